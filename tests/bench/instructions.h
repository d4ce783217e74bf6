#pragma once

#include <cstdint>
#include <cstdio>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

/// Around the loop of a benchmark: under callgrind nothing but that loop is counted, and the iterations are told to
/// whoever divides by them (the script `instructions`). Elsewhere it costs nothing.
class CountedInstructions {
 public:
  template <class State>
  explicit CountedInstructions(const State& state) : iterations_(state.max_iterations) {
#ifdef CALLGRIND_START_INSTRUMENTATION
    CALLGRIND_START_INSTRUMENTATION;
#endif
  }
  ~CountedInstructions() {
#ifdef CALLGRIND_STOP_INSTRUMENTATION
    CALLGRIND_STOP_INSTRUMENTATION;
    if (RUNNING_ON_VALGRIND) {
      std::fprintf(stderr, "counted iterations: %llu\n", static_cast<unsigned long long>(iterations_));
    }
#endif
  }
  CountedInstructions(const CountedInstructions&) = delete;
  CountedInstructions& operator=(const CountedInstructions&) = delete;

 private:
  const std::uint64_t iterations_;
};
