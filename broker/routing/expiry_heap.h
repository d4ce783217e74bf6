#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "broker/base/time.h"

namespace mortise::routing {

/// What expires first, first; anything in it can be taken out. `Item` has expires_at() and a std::size_t heap_place,
/// which is kNoPlace outside. Borrows its items. Unsynchronised. Cost: logarithmic.
template <class Item>
class ExpiryHeap {
 public:
  static constexpr std::size_t kNoPlace = ~std::size_t{0};

  void add(Item& item) {
    items_.push_back(&item);
    rise(items_.size() - 1);
  }
  void remove(Item& item) {
    if (item.heap_place == kNoPlace) return;
    const std::size_t place = std::exchange(item.heap_place, kNoPlace);
    Item* last = items_.back();
    items_.pop_back();
    if (last == &item) return;
    put(*last, place);
    rise(place);
    sink(last->heap_place);
  }
  /// What expires first; null when empty.
  Item* first() const noexcept { return items_.empty() ? nullptr : items_.front(); }

 private:
  void put(Item& item, std::size_t place) noexcept {
    items_[place] = &item;
    item.heap_place = place;
  }
  void rise(std::size_t place) noexcept {
    Item& item = *items_[place];
    for (; place > 0; place = (place - 1) / 2) {
      Item& parent = *items_[(place - 1) / 2];
      if (parent.expires_at() <= item.expires_at()) break;
      put(parent, place);
    }
    put(item, place);
  }
  void sink(std::size_t place) noexcept {
    Item& item = *items_[place];
    for (std::size_t child; (child = place * 2 + 1) < items_.size(); place = child) {
      if (child + 1 < items_.size() && items_[child + 1]->expires_at() < items_[child]->expires_at()) ++child;
      if (item.expires_at() <= items_[child]->expires_at()) break;
      put(*items_[child], place);
    }
    put(item, place);
  }

  std::vector<Item*> items_;
};

}  // namespace mortise::routing
