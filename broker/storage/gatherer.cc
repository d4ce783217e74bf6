#include "broker/storage/gatherer.h"

#include <utility>

#include "broker/base/check.h"

namespace mortise::storage {

void Gatherer::accept(LoopIndex loop, Block block) {
  LaneQueue& lane = lanes_.at(loop);
  for (const Segment& segment : block.segments) {
    if (segment.group != 0) join_group(loop, lane.end(), segment);
    lane.groups.push_back(segment.group);
  }
  lane.fetches.insert(lane.fetches.end(), block.fetches.begin(), block.fetches.end());
  fetches_waiting_ += block.fetches.size();
  block.fetches.clear();
  lane.held.push_back({std::move(block), 0});
}

void Gatherer::join_group(LoopIndex loop, std::uint64_t segment, const Segment& piece) {
  const auto [found, is_new] = groups_.try_emplace(piece.group);
  Group& group = found->second;
  const bool was_incomplete = !is_new && !group.is_complete();
  group.announced += piece.announces;
  ++group.arrived;
  group.pieces.push_back({loop, segment});
  if (was_incomplete) --incomplete_;
  if (!group.is_complete()) ++incomplete_;
}

std::vector<std::uint64_t> Gatherer::choose_cuts() const {
  std::vector<std::uint64_t> cuts;
  cuts.reserve(lanes_.size());
  for (const LaneQueue& lane : lanes_) cuts.push_back(lane.end());
  if (incomplete_ == 0) return cuts;

  std::vector<const Group*> blocked;
  for (const auto& [number, group] : groups_) {
    if (!group.is_complete()) blocked.push_back(&group);
  }
  // Whatever lies behind a blocked piece stays with it, which blocks the groups of those pieces too. Each segment is
  // passed over once, so this ends.
  while (!blocked.empty()) {
    const Group& group = *blocked.back();
    blocked.pop_back();
    for (const Piece& piece : group.pieces) {
      const LaneQueue& lane = lanes_[piece.loop];
      while (cuts[piece.loop] > piece.segment) {
        const std::uint64_t number = lane.groups[--cuts[piece.loop] - lane.taken];
        if (number != 0) blocked.push_back(&groups_.at(number));
      }
    }
  }
  return cuts;
}

void Gatherer::take(LoopIndex loop, std::uint64_t cut, std::vector<RunView>& runs, std::vector<LaneAdvance>& advances) {
  LaneQueue& lane = lanes_[loop];
  LaneAdvance advance{loop, 0, 0};
  for (Held& held : lane.held) {
    const std::vector<Segment>& segments = held.block.segments;
    const std::size_t begin = held.segments_taken == 0 ? 0 : segments[held.segments_taken - 1].records_end;
    std::size_t end = begin;
    for (; held.segments_taken < segments.size() && lane.taken < cut; ++held.segments_taken, ++lane.taken) {
      const Segment& segment = segments[held.segments_taken];
      if (segment.group != 0) groups_.erase(segment.group);
      lane.groups.pop_front();
      end = segment.records_end;
      advance = {loop, segment.position, segment.appended};
    }
    if (end != begin) runs.push_back({held.block.records.view().subspan(begin, end - begin), held.block.messages});
    if (held.segments_taken < segments.size()) break;
  }
  if (advance.position != 0) advances.push_back(advance);
}

void Gatherer::drop_emptied(const std::function<void(Block)>& recycle) {
  for (LaneQueue& lane : lanes_) {
    while (!lane.held.empty() && lane.held.front().segments_taken == lane.held.front().block.segments.size()) {
      recycle(std::move(lane.held.front().block));
      lane.held.pop_front();
    }
  }
}

Gatherer::Gathered Gatherer::gather(std::uint64_t next_number, std::uint64_t mark,
                                    const std::function<void(Block)>& recycle) {
  const std::vector<std::uint64_t> cuts = choose_cuts();
  Gathered gathered;
  std::vector<RunView> runs;
  for (std::size_t loop = 0; loop < lanes_.size(); ++loop) {
    take(static_cast<LoopIndex>(loop), cuts[loop], runs, gathered.advances);
  }
  gathered.batch = builder_.build(runs, next_number, mark);
  drop_emptied(recycle);
  return gathered;
}

std::vector<FetchRequest> Gatherer::ready_fetches(LoopIndex loop, std::uint64_t durable_position) {
  std::deque<FetchRequest>& waiting = lanes_.at(loop).fetches;
  std::vector<FetchRequest> ready;
  while (!waiting.empty() && waiting.front().position <= durable_position) {
    ready.push_back(waiting.front());
    waiting.pop_front();
  }
  CHECK(fetches_waiting_ >= ready.size());
  fetches_waiting_ -= ready.size();
  return ready;
}

std::optional<Gatherer::Waiting> Gatherer::waiting() const {
  if (incomplete_ == 0) return std::nullopt;
  for (const auto& [number, group] : groups_) {
    if (!group.is_complete()) return Waiting{number, group.announced, group.arrived};
  }
  return std::nullopt;
}

}  // namespace mortise::storage
