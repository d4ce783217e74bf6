#pragma once

#include <mortise/abi.h>

#include <filesystem>
#include <memory>

#include "broker/base/result.h"
#include "broker/plugin_host/loaded_plugin.h"

namespace mortise::plugin_host {

/// Maps a plugin's library into this process, calls its entry and checks what it says of itself. The entry of a file is
/// not called again once it was accepted; a file that took its place is another library beside it (R13). Control
/// thread. Errors: what is wrong and what to do, without the plugin's name (the caller has it).
Result<std::shared_ptr<const LoadedPlugin>> load_plugin(const std::filesystem::path& library);

/// The checks of load_plugin on what an entry and a note said; `library` is for the result. Errors: as there.
Result<std::shared_ptr<const LoadedPlugin>> check_plugin(const mortise_plugin& descriptor, const mortise_note& note,
                                                         const std::filesystem::path& library);
/// Whether this host can run what the note says it is. Errors: ABI too old, too new, another layout.
Result<void> check_note(const mortise_note& note);

}  // namespace mortise::plugin_host
