#include "broker/base/page_room.h"

#include <gtest/gtest.h>

namespace mortise {
namespace {

TEST(PageRoom, IsFullWhenItemsOrBytesAreTaken) {
  PageRoom room(2, 10);
  room.take(9);
  EXPECT_FALSE(room.is_full());
  room.take(0);
  EXPECT_TRUE(room.is_full()) << "two items";

  PageRoom bytes(100, 10);
  bytes.take(11);
  EXPECT_TRUE(bytes.is_full()) << "the item that passes the bytes is there, and the last";
}

TEST(PageRoom, AnItemOfAnySizeFitsIntoAnEmptyPage) {
  PageRoom room(1);
  EXPECT_FALSE(room.is_full());
  room.take(PageRoom::kBytes * 2);
  EXPECT_TRUE(room.is_full());
}

}  // namespace
}  // namespace mortise
