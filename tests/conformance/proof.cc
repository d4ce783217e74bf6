#include "tests/conformance/proof.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>

namespace mortise::proof {
namespace {

/// Writes what a test claimed when it has passed.
class Recorder final : public ::testing::EmptyTestEventListener {
 public:
  static Recorder& instance() {
    // Owned by GoogleTest.
    static Recorder* const recorder = [] {
      auto* made = new Recorder;
      ::testing::UnitTest::GetInstance()->listeners().Append(made);
      return made;
    }();
    return *recorder;
  }

  void claim(std::string_view statement, std::string_view proof) {
    claims_.insert(std::string(statement) + "\t" + std::string(proof) + "\n");
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    const std::set<std::string> claims = std::exchange(claims_, {});
    const char* file = std::getenv("MORTISE_PROOFS");
    if (file == nullptr || !test.result()->Passed() || test.result()->Skipped()) return;
    std::string lines;
    for (const std::string& line : claims) lines += line;
    append(file, lines);
  }

 private:
  /// Many processes append to one file: what one write call appends stays together.
  static void append(const char* file, const std::string& lines) {
    const int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    const bool is_written = fd >= 0 && write(fd, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size());
    if (fd >= 0) close(fd);
    if (is_written) return;
    std::fprintf(stderr, "%s: what this test proves could not be recorded (MORTISE_PROOFS)\n", file);
    std::abort();
  }

  std::set<std::string> claims_;
};

/// "unit_core DeliverTest.Name", whatever parameters the test was run with.
std::string name_of_running_test() {
  const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
  std::string suite = test.test_suite_name(), name = test.name();
  if (test.value_param() != nullptr) name = name.substr(0, name.rfind('/'));
  // Typed and parameterised suites: "Instance/Suite/0".
  if (const std::size_t slash = suite.find('/'); slash != std::string::npos) suite = suite.substr(slash + 1);
  return std::string(program_invocation_short_name) + " " + suite + "." + name;
}

}  // namespace

void proves(std::initializer_list<std::string_view> statements) {
  const std::string name = name_of_running_test();
  for (const std::string_view statement : statements) Recorder::instance().claim(statement, name);
}

void proves(std::string_view statement, std::string_view under_the_name) {
  Recorder::instance().claim(statement, under_the_name);
}

}  // namespace mortise::proof
