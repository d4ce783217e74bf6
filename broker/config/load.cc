#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "broker/config/checks.h"
#include "broker/config/reader.h"
#include "broker/mqtt/topic.h"

namespace mortise::config {

namespace {

/// Text of others (a file's name, a message of yaml-cpp) on one line: without control characters, and UTF-8.
std::string one_line(std::string text) {
  const bool is_text = mqtt::is_valid_utf8(text);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_text)) c = '?';
  }
  return text;
}

/// "file:line:column: what".
Error error_in(const std::filesystem::path& file, const Problem& problem) {
  std::string place = file.string();
  if (problem.place.line > 0)
    place += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  return {one_line(std::move(place)) + ": " + one_line(problem.text)};
}

Result<std::string> read_file(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return failure(file.string() + ": is a directory; name the configuration file in it");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return failure(file.string() + ": cannot be opened: " + std::strerror(errno) +
                   "; give the configuration's name with --config FILE");
  std::string text(kMaximumFileSize + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return failure(file.string() + ": cannot be read: " + std::strerror(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

Result<Settings, Problem> settings_from(std::string_view text, const std::filesystem::path& name,
                                        const std::filesystem::path& default_plugin_dir) {
  auto document = parse_document(text);
  if (!document) return std::move(document).as_failure();
  auto reading = read_document(**document);
  if (!reading) return std::move(reading).as_failure();
  std::error_code ignored;  // without a working directory a relative name stays as it is
  const std::filesystem::path absolute = std::filesystem::absolute(name, ignored);
  reading->settings.file = name;
  reading->settings.directory = (absolute.empty() ? name : absolute).parent_path();
  if (auto checked = check_reading(*reading, default_plugin_dir); !checked) return std::move(checked).as_failure();
  return std::move(reading->settings);
}

}  // namespace

Result<SettingsPtr> parse(std::string_view text, const std::filesystem::path& name,
                          const std::filesystem::path& default_plugin_dir) {
  auto settings = settings_from(text, name, default_plugin_dir);
  if (!settings) return failure(error_in(name, settings.error()));
  return SettingsPtr(std::make_shared<const Settings>(std::move(*settings)));
}

Result<SettingsPtr> load(const std::filesystem::path& file, const std::filesystem::path& default_plugin_dir) {
  auto text = read_file(file);
  if (!text) return std::move(text).as_failure();
  return parse(*text, file, default_plugin_dir);
}

}  // namespace mortise::config
