#pragma once

#include <cstdint>

#include "broker/base/static_list.h"

namespace mortise::cli {

/// Where an option of a `ctl` command goes in the request.
enum class CtlPlace : std::uint8_t { kQuery, kField, kNumber, kFlag, kSeconds };

struct CtlOption {
  const char* flags;  // "-t,--topic"
  const char* name;   // of the parameter, or the field of the body
  CtlPlace place;
  const char* doc;
  bool is_required = false;
};

/// What `mortise ctl NAME` asks of the API: a row is a command.
struct CtlCommand {
  const char* name;
  const char* doc;
  const char* method;
  const char* path;  // "/api/v1/clients/{client-id}": {...} is an argument of the command
  StaticList<CtlOption> options;
  const char* columns;  // of a list: "client_id user_name"; null: it is no list
  bool has_pages = false;
};

StaticList<CtlCommand> ctl_commands();

}  // namespace mortise::cli
