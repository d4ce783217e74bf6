#include "tests/conformance/vector_file.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

namespace mortise::mqtt {
namespace {

std::optional<ProtocolVersion> version_of(const std::string& word) {
  if (word == "3.1") return ProtocolVersion::k31;
  if (word == "3.1.1") return ProtocolVersion::k311;
  if (word == "5.0") return ProtocolVersion::k5;
  return std::nullopt;
}

/// "0x81", "81": false when it is no byte.
bool read_byte(std::string_view text, std::uint8_t& byte) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), byte, 16);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// What stands behind the colon: "ok", "ok-not-canonical", "incomplete", "refused 0x81 MQTT-3.3.1-4", and the answer
/// behind a semicolon.
bool read_outcome(const std::string& text, Expectation& expectation) {
  using Outcome = Expectation::Outcome;
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  if (semicolon < text.size()) expectation.answer = trimmed(text.substr(semicolon + 1));
  std::istringstream words(text.substr(0, semicolon));
  std::string outcome;
  words >> outcome;
  if (outcome == "ok") return expectation.outcome = Outcome::kOk, true;
  if (outcome == "ok-not-canonical") return expectation.outcome = Outcome::kOkNotCanonical, true;
  if (outcome == "incomplete") return expectation.outcome = Outcome::kIncomplete, true;
  std::string reason;
  words >> reason >> std::ws;
  std::getline(words, expectation.statement);
  expectation.outcome = Outcome::kRefused;
  return outcome == "refused" && read_byte(reason, expectation.reason) && !expectation.statement.empty() &&
         !expectation.answer.empty();
}

bool read_expectation_line(const std::string& line, VectorFile& vector) {
  const std::size_t colon = line.find(':');
  std::istringstream versions(line.substr(0, colon));
  Expectation expectation;
  if (!read_outcome(line.substr(colon + 1), expectation)) return false;
  for (std::string word; versions >> word;) {
    const std::optional<ProtocolVersion> version = version_of(word);
    if (!version) return false;
    expectation.version = *version;
    vector.expectations.push_back(expectation);
  }
  return true;
}

/// "proves: 3.1.1 MQTT-2.2.2-1, 3.1.1 MQTT-2.2.2-2"
void read_proves_line(const std::string& line, VectorFile& vector) {
  std::istringstream parts(line.substr(line.find(':') + 1));
  for (std::string part; std::getline(parts, part, ',');) vector.proves.push_back(trimmed(part));
}

bool read_bytes_line(const std::string& line, std::vector<std::uint8_t>& bytes) {
  for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
    if (line[at] == '"') {
      const std::size_t end = line.find('"', at + 1);
      if (end == std::string::npos) return false;
      bytes.insert(bytes.end(), line.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                   line.begin() + static_cast<std::ptrdiff_t>(end));
      at = end + 1;
      continue;
    }
    std::uint8_t byte = 0;
    if (!read_byte(std::string_view(line).substr(at, line.find(' ', at) - at), byte)) return false;
    bytes.push_back(byte);
    at = std::min(line.find(' ', at), line.size());
  }
  return true;
}

}  // namespace

Result<VectorFile> read_vector(const std::filesystem::path& file) {
  VectorFile vector;
  vector.name = (file.parent_path().filename() / file.stem()).string();
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("proves:")) {
      read_proves_line(line, vector);
      continue;
    }
    // Text in quotes may hold a colon, an expectation's versions may not hold a quote.
    const bool is_expectation = line.find(':') < line.find('"');
    if (is_expectation ? !read_expectation_line(line, vector) : !read_bytes_line(line, vector.bytes)) {
      return failure(file.string() + ":" + std::to_string(number) + ": " + line +
                     ": is neither bytes nor an expectation");
    }
  }
  if (vector.expectations.empty() || vector.bytes.empty())
    return failure(file.string() + ": has no bytes or no expectation");
  return vector;
}

}  // namespace mortise::mqtt
