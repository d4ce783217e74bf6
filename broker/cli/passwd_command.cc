#include <sys/file.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <mortise/password_file.hpp>

#include "broker/base/bytes.h"
#include "broker/cli/commands.h"
#include "broker/cli/terminal.h"
#include "broker/net/descriptor.h"

namespace mortise::cli {

namespace {

struct PasswdArguments {
  std::string file, user;
  bool deletes = false, lists = false;
  std::uint32_t iterations = password::kDefaultIterations;
};

/// Held while a file is read, changed and replaced, so that two editors at once lose nothing. The folder is locked,
/// because the file itself is replaced.
Result<net::Descriptor> lock_folder_of(const std::string& file) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(std::filesystem::absolute(file), error);
  const std::string folder = error ? "." : target.parent_path().string();
  net::Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor)
    return failure(file + ": the folder " + quoted(folder) + " cannot be opened: " + std::strerror(errno));
  if (flock(descriptor.get(), LOCK_EX) != 0) return failure(file + ": cannot be locked: " + std::strerror(errno));
  return descriptor;
}

/// The file as it is; an empty one when there is none yet.
Result<password::File> read_or_begin(const std::string& path, bool may_be_new) {
  std::error_code error;
  if (may_be_new && !std::filesystem::exists(path, error) && !error) return password::File();
  std::string message;
  auto file = password::File::read(path, message);
  if (!file) return failure(message);
  return std::move(*file);
}

Result<void> list(const PasswdArguments& arguments) {
  Result<password::File> file = read_or_begin(arguments.file, false);
  if (!file) return std::move(file).as_failure();
  for (const std::string& user : file->users()) std::printf("%s\n", password::escape_user(user).c_str());
  return {};
}

Result<void> change(const PasswdArguments& arguments, std::optional<password::Verifier> verifier) {
  Result<net::Descriptor> lock = lock_folder_of(arguments.file);
  if (!lock) return std::move(lock).as_failure();
  Result<password::File> file = read_or_begin(arguments.file, verifier.has_value());
  if (!file) return std::move(file).as_failure();
  if (verifier) {
    file->set(arguments.user, *verifier);
  } else if (!file->erase(arguments.user)) {
    return failure(arguments.file + ": there is no user " + quoted(arguments.user));
  }
  std::string message;
  if (!file->write(arguments.file, message)) return failure(message);
  return {};
}

Result<void> passwd(const PasswdArguments& arguments) {
  if (arguments.lists) return list(arguments);
  if (arguments.user.empty()) return failure("whose password? mortise passwd FILE USER");
  if (arguments.deletes) return change(arguments, std::nullopt);
  // Read before anything is asked, so that nobody types a password for a file that is broken.
  if (Result<password::File> file = read_or_begin(arguments.file, true); !file) return std::move(file).as_failure();
  Result<std::string> typed = read_new_password("password of " + quoted(arguments.user) + ": ");
  if (!typed) return std::move(typed).as_failure();
  const auto verifier = password::make_verifier(*typed, arguments.iterations);
  wipe(typed->data(), typed->size());
  if (!verifier) return failure("no verifier could be made: is there a random source?");
  return change(arguments, verifier);
}

}  // namespace

void add_passwd(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("passwd", "Edit a password file for the plugin auth-file");
  auto arguments = std::make_shared<PasswdArguments>();
  command->add_option("file", arguments->file, "The file; made when it is not there")->required();
  command->add_option("user", arguments->user, "The user name");
  auto* deletes = command->add_flag("-D,--delete", arguments->deletes, "Remove the user");
  command->add_flag("-l,--list", arguments->lists, "List the users")->excludes(deletes);
  command->add_option("--iterations", arguments->iterations, "How much work one guess is")
      ->check(CLI::Range(password::kMinimumIterations, password::kMaximumIterations))
      ->capture_default_str();
  command->callback([arguments, &status] {
    const Result<void> done = passwd(*arguments);
    status = done ? 0 : fail("passwd", done.error());
  });
}

}  // namespace mortise::cli
