#include "broker/base/ref.h"

#include <gtest/gtest.h>

namespace mortise {
namespace {

/// Counts itself and tells when it is gone.
class Counted {
 public:
  explicit Counted(int& gone) : gone_(gone) {}
  void add_ref() const noexcept { count_.add(); }
  void drop_ref() const noexcept {
    if (!count_.drop()) return;
    ++gone_;
    delete this;
  }

 private:
  ~Counted() = default;
  int& gone_;
  RefCount count_;
};

TEST(Ref, AdoptsOneCountAndGivesItBack) {
  int gone = 0;
  {
    const Ref<Counted> ref = Ref<Counted>::adopt(new Counted(gone));
    EXPECT_TRUE(ref);
    EXPECT_EQ(gone, 0);
  }
  EXPECT_EQ(gone, 1);
}

TEST(Ref, TheLastHolderEndsTheObject) {
  int gone = 0;
  Ref<Counted> first = Ref<Counted>::adopt(new Counted(gone));
  Ref<Counted> second = first;
  EXPECT_EQ(first, second);
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_EQ(gone, 0);
  second.reset();
  EXPECT_EQ(gone, 1);
}

TEST(Ref, AMoveTakesTheCountAlong) {
  int gone = 0;
  Ref<Counted> first = Ref<Counted>::adopt(new Counted(gone));
  Ref<Counted> second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: its state after the move is what is tested
  second = Ref<Counted>();
  EXPECT_EQ(gone, 1);
}

TEST(Ref, AssigningItselfKeepsTheObject) {
  int gone = 0;
  Ref<Counted> ref = Ref<Counted>::adopt(new Counted(gone));
  const Ref<Counted>& same = ref;
  ref = same;
  EXPECT_EQ(gone, 0);
  EXPECT_TRUE(ref);
}

}  // namespace
}  // namespace mortise
