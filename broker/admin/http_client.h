#pragma once

#include <filesystem>
#include <string>

#include "broker/base/result.h"
#include "broker/base/time.h"

namespace mortise::admin {

/// Where an API is, and what it asks for.
struct ApiAddress {
  std::string url;  // "http://127.0.0.1:9883"
  std::string token;
  std::filesystem::path ca;  // whose certificates are trusted, of https
};

/// Where a broker writes, while it runs, at which url its API is.
inline std::filesystem::path url_file(const std::filesystem::path& data_dir) { return data_dir / "admin.url"; }

struct ApiAnswer {
  unsigned status = 0;
  std::string body;
};

/// Asks once and waits, at most `patience`. `target` is path and query, encoded. Errors: nobody answers, or not in
/// time; the certificate is not trusted: which, and what to do.
Result<ApiAnswer> ask_api(const ApiAddress& address, const std::string& method, const std::string& target,
                          const std::string& body, Millis patience = Millis(35'000));

/// Text as one segment of a path, or one value of a query: everything but letters, digits and -._~ percent-encoded.
std::string percent_encoded(std::string_view text);

}  // namespace mortise::admin
