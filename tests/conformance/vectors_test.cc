// Plays every file of vectors/ into next_frame and decode, in every version it speaks of, and into a broker.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "tests/conformance/packet_dump.h"
#include "tests/conformance/proof.h"
#include "tests/conformance/vector_file.h"
#include "tests/unit/core/harness.h"

namespace mortise::mqtt {
namespace {

using Outcome = Expectation::Outcome;

constexpr std::size_t kMaximumPacketSize = 1 << 20;
constexpr const char* kVersions[] = {"3.1", "3.1.1", "5.0"};  // from version byte 3 on

/// What came of the packets of one input, up to the first that is not complete or refused.
struct Played {
  Outcome outcome = Outcome::kOk;
  Refusal refusal;
  std::vector<std::string> packets;  // as dump() shows them
  ByteBuffer encoded;                // and as encode() writes them
};

/// `bytes` is a copy of exactly that size, so that a sanitizer sees a read past its end.
Played play(const std::vector<std::uint8_t> bytes, ProtocolVersion version) {
  Played played;
  ByteView rest(bytes);
  while (!rest.empty()) {
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(rest, kMaximumPacketSize);
    if (frame && !*frame) return played.outcome = Outcome::kIncomplete, played;
    const Result<ControlPacketView, Refusal> packet = frame ? decode(**frame, version) : failure(frame.error());
    if (!packet) {
      played.outcome = Outcome::kRefused;
      played.refusal = packet.error();
      return played;
    }
    played.packets.push_back(dump(*packet));
    encode(played.encoded, *packet, version);
    rest = rest.subspan((*frame)->size);
  }
  return played;
}

std::string in_hexadecimal(unsigned byte) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

/// What a broker says last to a client that sends the bytes, and whether it closes: "DISCONNECT 0x81", "close", "".
std::string answer_of_broker(const std::vector<std::uint8_t>& bytes, ProtocolVersion version) {
  core::testing::TestBroker broker;
  core::testing::TestClient& client = broker.client(version);
  const bool is_connect = (bytes[0] >> 4) == static_cast<int>(PacketType::kConnect);
  if (!is_connect) {
    client.connect("c");
    CHECK(client.take_types() == std::vector{PacketType::kConnack});
  }
  client.send(as_text(bytes));
  if (client.is_open()) return "";
  while (client.waiting() > 1) client.next();
  if (!client.has_next()) return "close";
  const auto last = client.next();
  if (last.type == PacketType::kConnack) return "CONNACK " + in_hexadecimal(static_cast<unsigned char>(last.bytes[3]));
  if (last.type == PacketType::kDisconnect)
    return "DISCONNECT " + in_hexadecimal(static_cast<unsigned char>(last.bytes[2]));
  return "close";
}

class VectorTest : public ::testing::Test {
 public:
  VectorTest(VectorFile vector, Expectation expectation, const std::set<std::string>& known)
      : vector_(std::move(vector)), expectation_(std::move(expectation)), known_(known) {}

  void TestBody() override {
    const Played whole = play(vector_.bytes, expectation_.version);
    check_outcome(whole);
    check_encoding(whole);
    check_every_cut(whole);
    const bool is_played = expectation_.outcome == Outcome::kRefused || !expectation_.answer.empty();
    if (is_played) {
      EXPECT_EQ(answer_of_broker(vector_.bytes, expectation_.version), expectation_.answer);
    }
    record();
  }

 private:
  /// The statement that the refusal names, and those that the file names for this version. What a Server may not send
  /// is not proved by its refusing the same from a Client.
  void record() const {
    const std::string version = kVersions[static_cast<std::size_t>(expectation_.version) - 3];
    const std::string refused = version + " " + expectation_.statement;
    const std::string folder = vector_.name.substr(0, vector_.name.find('/'));
    const bool is_of_a_server =
        folder == "connack" || folder == "suback" || folder == "unsuback" || folder == "pingresp";
    if (known_.contains(refused) && !is_of_a_server) proof::proves(refused, "vectors/" + vector_.name);
    for (const std::string& statement : vector_.proves) {
      if (statement.starts_with(version + " ")) proof::proves(statement, "vectors/" + vector_.name);
    }
  }

  void check_outcome(const Played& played) {
    const bool should_be_ok = expectation_.outcome == Outcome::kOk || expectation_.outcome == Outcome::kOkNotCanonical;
    EXPECT_EQ(played.outcome, should_be_ok ? Outcome::kOk : expectation_.outcome) << played.refusal.what;
    if (played.outcome != Outcome::kRefused) return;
    EXPECT_EQ(static_cast<unsigned>(played.refusal.reason), expectation_.reason) << played.refusal.what;
    EXPECT_EQ(played.refusal.statement, expectation_.statement) << played.refusal.what;
  }

  /// A packet that is decoded is encoded to the same bytes, or, where encode() gives it another form, to the same
  /// packet.
  void check_encoding(const Played& played) {
    if (played.outcome != Outcome::kOk) return;
    const std::vector<std::uint8_t> encoded(played.encoded.begin(), played.encoded.end());
    if (expectation_.outcome == Outcome::kOk) {
      EXPECT_EQ(encoded, vector_.bytes);
    }
    const Played again = play(encoded, expectation_.version);
    EXPECT_EQ(again.packets, played.packets);
    EXPECT_EQ(again.encoded, played.encoded);
  }

  /// However the bytes are cut, the packets before the cut are the same and nothing is refused that is not refused
  /// whole.
  void check_every_cut(const Played& whole) {
    for (std::size_t size = 0; size < vector_.bytes.size(); ++size) {
      const auto end = vector_.bytes.begin() + static_cast<std::ptrdiff_t>(size);
      const Played cut = play({vector_.bytes.begin(), end}, expectation_.version);
      ASSERT_LE(cut.packets.size(), whole.packets.size());
      EXPECT_TRUE(std::equal(cut.packets.begin(), cut.packets.end(), whole.packets.begin()));
      if (cut.outcome != Outcome::kRefused) continue;
      EXPECT_EQ(whole.outcome, Outcome::kRefused) << "cut after " << size << " bytes: " << cut.refusal.what;
      EXPECT_EQ(std::string(cut.refusal.statement), whole.refusal.statement);
    }
  }

  const VectorFile vector_;
  const Expectation expectation_;
  const std::set<std::string>& known_;
};

/// "3.1.1,MQTT-1.5.3-1,..." -> "3.1.1 MQTT-1.5.3-1".
std::set<std::string> read_statements(const std::filesystem::path& file) {
  std::set<std::string> statements;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(',');
    statements.insert(line.substr(0, first) + " " + line.substr(first + 1, line.find(',', first + 1) - first - 1));
  }
  return statements;
}

/// Statements have a number of the version, of 5.0 (whose numbers next_frame uses, not knowing the version), or name a
/// section.
class StatementsTest : public ::testing::Test {
 public:
  StatementsTest(std::vector<VectorFile> vectors, const std::set<std::string>& known)
      : vectors_(std::move(vectors)), known_(known) {}

  void TestBody() override {
    ASSERT_FALSE(known_.empty());
    for (const VectorFile& vector : vectors_) {
      for (const Expectation& expectation : vector.expectations) {
        if (!expectation.statement.starts_with("MQTT-")) continue;
        const bool is_5 = expectation.version == ProtocolVersion::k5;
        EXPECT_TRUE(known_.contains("5.0 " + expectation.statement) ||
                    (!is_5 && known_.contains("3.1.1 " + expectation.statement)))
            << vector.name << ": there is no statement " << expectation.statement;
      }
    }
  }

 private:
  const std::vector<VectorFile> vectors_;
  const std::set<std::string>& known_;
};

std::string test_name(const VectorFile& vector, const Expectation& expectation) {
  std::string name = vector.name.substr(vector.name.find('/') + 1) + "_in_" +
                     kVersions[static_cast<std::size_t>(expectation.version) - 3];
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

template <class Make>
void register_test(const std::string& suite, const std::string& name, Make make) {
  ::testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__, std::move(make));
}

/// False when a file cannot be read.
bool register_tests(const std::filesystem::path& folder) {
  std::vector<VectorFile> vectors;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "vectors")) {
    if (entry.path().extension() != ".hex") continue;
    Result<VectorFile> vector = read_vector(entry.path());
    if (!vector) return std::fprintf(stderr, "%s\n", vector.error().message.c_str()), false;
    vectors.push_back(std::move(vector).value());
  }
  std::sort(vectors.begin(), vectors.end(), [](const VectorFile& a, const VectorFile& b) { return a.name < b.name; });
  static const std::set<std::string> known = read_statements(folder / "statements.csv");  // as long as the tests
  for (const VectorFile& vector : vectors) {
    for (const Expectation& expectation : vector.expectations) {
      register_test(vector.name.substr(0, vector.name.find('/')), test_name(vector, expectation),
                    [=]() -> ::testing::Test* { return new VectorTest(vector, expectation, known); });
    }
  }
  register_test("statements", "exist", [vectors]() -> ::testing::Test* { return new StatementsTest(vectors, known); });
  return !vectors.empty();
}

}  // namespace
}  // namespace mortise::mqtt

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!mortise::mqtt::register_tests(MORTISE_CONFORMANCE_DIR)) return 1;
  return RUN_ALL_TESTS();
}
