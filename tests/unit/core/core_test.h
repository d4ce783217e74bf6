#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "scripted_hooks.h"

namespace mortise::core::testing {

using mqtt::PacketType;
using mqtt::ReasonCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr auto k311 = mqtt::ProtocolVersion::k311;

/// Every test runs on one loop and on three: where a client lives must not matter.
class CoreTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  TestOptions options(bool has_store = false) {
    TestOptions made;
    made.loops = GetParam();
    made.has_store = has_store;
    made.dispatch = plugins.dispatch();
    return made;
  }
  hooks::Pending pending(Millis within = Millis(5000)) { return {SteadyTime{} + std::chrono::hours(1) + within}; }

  Plugins plugins;
};

}  // namespace mortise::core::testing
