#include <memory>
#include <vector>

#include "broker/plugin_host/call_frame.h"

using mortise::plugin_host::CallFrame;
using mortise::plugin_host::Instance;
using mortise::plugin_host::Lane;
using mortise::plugin_host::ScratchArena;

void use(Instance& instance, Lane& lane) {
  CallFrame frame(instance, lane, 0, nullptr);
#if BREAK == 1
  // error: deleted (function|constructor|copy constructor).*CallFrame
  CallFrame copy = frame;
#elif BREAK == 2
  // error: deleted (function|constructor|copy constructor).*CallFrame
  CallFrame moved = std::move(frame);
#elif BREAK == 3
  // error: deleted
  auto* kept = new CallFrame(instance, lane, 0, nullptr);
#elif BREAK == 4
  // error: deleted
  auto kept = std::make_unique<CallFrame>(instance, lane, 0, nullptr);
#elif BREAK == 5
  // error: deleted
  auto* kept = new CallFrame[2]{{instance, lane, 0, nullptr}, {instance, lane, 0, nullptr}};
#elif BREAK == 6
  // error: deleted (function|constructor|copy constructor).*ScratchArena
  ScratchArena copy = *frame.arena();
#elif BREAK == 7
  // error: deleted (function|constructor|copy constructor).*ScratchArena
  ScratchArena moved = std::move(*frame.arena());
#elif BREAK == 8
  // error: deleted (function|constructor|copy constructor).*Lane
  Lane copy = lane;
#elif BREAK == 9
  // error: deleted (function|constructor|copy constructor).*Instance
  Instance copy = instance;
#elif BREAK == 10
  // error: private
  (void)frame.arena_;
#endif
}
