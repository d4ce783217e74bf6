#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace mortise {

/// A std::map for those that mostly hold nothing or little: a sorted vector of pointers, 24 bytes when empty. Elements
/// do not move while they are in it; iterators end with any change. Unsynchronised. Cost: find is a binary search;
/// putting in and taking out move a pointer for each element behind.
template <class Key, class Value>
class FlatMap {
 public:
  using value_type = std::pair<const Key, Value>;

 private:
  using Elements = std::vector<std::unique_ptr<value_type>>;

  template <class Base, class Element>
  struct BasicIterator {
    using iterator_category = std::forward_iterator_tag;
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using pointer = Element*;
    using reference = Element&;

    reference operator*() const noexcept { return **at; }
    pointer operator->() const noexcept { return at->get(); }
    BasicIterator& operator++() noexcept {
      ++at;
      return *this;
    }
    BasicIterator operator++(int) noexcept { return {at++}; }
    bool operator==(const BasicIterator&) const = default;

    Base at;
  };

 public:
  using iterator = BasicIterator<typename Elements::iterator, value_type>;
  using const_iterator = BasicIterator<typename Elements::const_iterator, const value_type>;

  bool empty() const noexcept { return elements_.empty(); }
  std::size_t size() const noexcept { return elements_.size(); }
  iterator begin() noexcept { return {elements_.begin()}; }
  iterator end() noexcept { return {elements_.end()}; }
  const_iterator begin() const noexcept { return {elements_.begin()}; }
  const_iterator end() const noexcept { return {elements_.end()}; }

  template <class Asked>
  iterator find(const Asked& key) {
    return {find_in(elements_, key)};
  }
  template <class Asked>
  const_iterator find(const Asked& key) const {
    return {find_in(elements_, key)};
  }
  template <class Asked>
  bool contains(const Asked& key) const {
    return find(key) != end();
  }
  /// What is there under `key`, made when there was nothing.
  template <class Asked>
  Value& operator[](const Asked& key) {
    const auto at = lower_bound(elements_, key);
    if (at != elements_.end() && (*at)->first == key) return (*at)->second;
    return (*elements_.insert(at, std::make_unique<value_type>(Key(key), Value())))->second;
  }
  void erase(iterator at) {
    elements_.erase(at.at);
    if (elements_.empty()) clear();
  }
  /// Empties it and gives back its memory.
  void clear() { elements_ = Elements(); }

 private:
  template <class Of, class Asked>
  static auto lower_bound(Of& elements, const Asked& key) {
    return std::lower_bound(elements.begin(), elements.end(), key,
                            [](const auto& element, const Asked& asked) { return element->first < asked; });
  }

  template <class Of, class Asked>
  static auto find_in(Of& elements, const Asked& key) {
    const auto at = lower_bound(elements, key);
    return at != elements.end() && (*at)->first == key ? at : elements.end();
  }

  Elements elements_;
};

}  // namespace mortise
