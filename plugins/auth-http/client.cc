#include "client.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <nng/supplemental/tls/tls.h>

#include <algorithm>
#include <array>
#include <mortise/status.hpp>

namespace auth_http {

namespace {

using std::chrono::milliseconds;

/// One object of nng, freed when it goes.
template <class Object, void (*Free)(Object*)>
struct Freed {
  void operator()(Object* object) const { Free(object); }
};
template <class Object, void (*Free)(Object*)>
using Held = std::unique_ptr<Object, Freed<Object, Free>>;
using Url = Held<nng_url, nng_url_free>;
using HttpClient = Held<nng_http_client, nng_http_client_free>;
using Tls = Held<nng_tls_config, nng_tls_config_free>;
using Request = Held<nng_http_req, nng_http_req_free>;
using Answered = Held<nng_http_res, nng_http_res_free>;
using HttpConnection = Held<nng_http_conn, nng_http_conn_close>;
using Aio = Held<nng_aio, nng_aio_free>;

/// Errors: throws mortise::Error.
void must(int status, const std::string& what) {
  if (status != 0) throw mortise::Error(what + ": " + nng_strerror(status));
}

/// A number of bytes that is no more than may come; -1 when it is none.
int length_of(const char* text) {
  int length = 0;
  if (*text == '\0') return -1;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return -1;
    length = length * 10 + (*text - '0');
    if (length > static_cast<int>(kMaximumBody)) return -1;
  }
  return length;
}

bool is_word(const char* text, const char* word) { return text != nullptr && strcasecmp(text, word) == 0; }

}  // namespace

// ---- Where to -------------------------------------------------------------------------------------------------------

class Client::Origin {
 public:
  Origin(const std::string& origin, const std::string& ca) {
    nng_url* url = nullptr;
    must(nng_url_parse(&url, origin.c_str()), origin);
    url_.reset(url);
    nng_http_client* client = nullptr;
    must(nng_http_client_alloc(&client, url), origin);
    client_.reset(client);
    if (origin.rfind("https:", 0) == 0) set_tls(origin, ca);
  }
  nng_url* url() const { return url_.get(); }
  nng_http_client* client() const { return client_.get(); }

 private:
  /// Who answers must have a certificate of these authorities, for this host.
  void set_tls(const std::string& origin, const std::string& ca) {
    nng_tls_config* config = nullptr;
    must(nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT), origin + ": TLS");
    const Tls tls(config);
    must(nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED), origin + ": TLS");
    must(nng_tls_config_server_name(config, url_->u_hostname), origin + ": TLS");
    must(nng_tls_config_ca_file(config, ca.c_str()), ca);
    must(nng_http_client_set_tls(client_.get(), config), origin + ": TLS");
  }

  Url url_;
  HttpClient client_;
};

// ---- One connection -------------------------------------------------------------------------------------------------

/// Of one thread at a time, stop() apart.
class Client::Connection {
 public:
  explicit Connection(const Origin& origin) : origin_(origin) {
    nng_aio* aio = nullptr;
    must(nng_aio_alloc(&aio, nullptr, nullptr), "a request cannot be made");
    aio_.reset(aio);
  }

  /// An nng status. What was kept open may have been closed by the server: then once more, on a new one.
  int exchange(nng_http_req* request, Deadline deadline, Response& response) {
    deadline_ = deadline;
    const bool was_open = connection_ != nullptr;
    bool has_answered = false;
    int status = once(request, response, has_answered);
    if (status != 0) connection_.reset();
    const bool is_stale = status == NNG_ECLOSED || status == NNG_ECONNSHUT || status == NNG_ECONNRESET;
    if (!was_open || has_answered || !is_stale) return status;
    status = once(request, response, has_answered);
    if (status != 0) connection_.reset();
    return status;
  }
  void stop() { nng_aio_stop(aio_.get()); }

 private:
  template <class Begin>
  int wait(const Begin& begin) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return NNG_ETIMEDOUT;
    nng_aio_set_timeout(aio_.get(), static_cast<nng_duration>(std::min<std::int64_t>(left.count(), 3'600'000)));
    begin(aio_.get());
    nng_aio_wait(aio_.get());
    return nng_aio_result(aio_.get());
  }

  int connect() {
    if (connection_) return 0;
    const int status = wait([this](nng_aio* aio) { nng_http_client_connect(origin_.client(), aio); });
    if (status == 0) connection_.reset(static_cast<nng_http_conn*>(nng_aio_get_output(aio_.get(), 0)));
    return status;
  }

  int once(nng_http_req* request, Response& response, bool& has_answered) {
    if (const int status = connect(); status != 0) return status;
    if (const int status = wait([&](nng_aio* aio) { nng_http_conn_write_req(connection_.get(), request, aio); });
        status != 0)
      return status;
    nng_http_res* raw = nullptr;
    if (const int status = nng_http_res_alloc(&raw); status != 0) return status;
    const Answered answered(raw);
    if (const int status = wait([&](nng_aio* aio) { nng_http_conn_read_res(connection_.get(), raw, aio); });
        status != 0)
      return status;
    has_answered = true;
    response.status = nng_http_res_get_status(raw);
    const int status = response.status < 200 ? NNG_EPROTO : read_body(raw, response);
    const bool is_last = is_word(nng_http_res_get_header(raw, "Connection"), "close") ||
                         std::string_view(nng_http_res_get_version(raw)) != "HTTP/1.1";
    if (is_last) connection_.reset();
    return status;
  }

  /// Reads into `to`: all of it, or what comes first.
  int read(char* to, std::size_t size, bool all, std::size_t& got) {
    nng_iov piece{to, size};
    if (const int status = nng_aio_set_iov(aio_.get(), 1, &piece); status != 0) return status;
    const int status = wait([&](nng_aio* aio) {
      if (all)
        nng_http_conn_read_all(connection_.get(), aio);
      else
        nng_http_conn_read(connection_.get(), aio);
    });
    got = status == 0 ? nng_aio_count(aio_.get()) : 0;
    return status;
  }

  int read_body(nng_http_res* res, Response& response) {
    response.body.clear();
    const char* const length_text = nng_http_res_get_header(res, "Content-Length");
    const bool has_chunks = nng_http_res_get_header(res, "Transfer-Encoding") != nullptr;
    if (response.status == NNG_HTTP_STATUS_NO_CONTENT || response.status == NNG_HTTP_STATUS_NOT_MODIFIED) {
      // These have no body; what claims one would be taken for the next answer.
      const bool claims_body = has_chunks || (length_text != nullptr && length_of(length_text) != 0);
      return claims_body ? NNG_EPROTO : 0;
    }
    if (has_chunks) return read_chunks(response);
    if (length_text == nullptr) return read_to_end(response);
    const int length = length_of(length_text);
    if (length < 0) return NNG_EMSGSIZE;
    if (length == 0) return 0;
    response.body.resize(static_cast<std::size_t>(length));
    std::size_t got = 0;
    return read(response.body.data(), response.body.size(), true, got);
  }

  /// Without a length the body ends with the connection.
  int read_to_end(Response& response) {
    std::array<char, 4096> piece{};
    for (;;) {
      std::size_t got = 0;
      const int status = read(piece.data(), piece.size(), false, got);
      const bool is_end = status == NNG_ECLOSED || status == NNG_ECONNSHUT || (status == 0 && got == 0);
      if (is_end) return connection_.reset(), 0;
      if (status != 0) return status;
      response.body.append(piece.data(), got);
      if (response.body.size() > kMaximumBody) return NNG_EMSGSIZE;
    }
  }

  /// A line up to its CR LF, which goes.
  int read_line(std::string& line) {
    line.clear();
    for (;;) {
      char one = 0;
      std::size_t got = 0;
      if (const int status = read(&one, 1, true, got); status != 0) return status;
      if (one == '\n') break;
      line += one;
      if (line.size() > 1024) return NNG_EPROTO;
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return 0;
  }

  /// RFC 9112 section 7.1.
  int read_chunks(Response& response) {
    std::string line;
    for (;;) {
      if (const int status = read_line(line); status != 0) return status;
      const std::string digits = line.substr(0, line.find_first_of("; \t"));
      if (digits.empty() || digits.size() > 5 ||
          digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return digits.size() > 5 ? NNG_EMSGSIZE : NNG_EPROTO;
      const std::size_t size = std::stoul(digits, nullptr, 16);
      if (size == 0) return read_trailer(line);
      const std::size_t at = response.body.size();
      if (at + size > kMaximumBody) return NNG_EMSGSIZE;
      response.body.resize(at + size);
      std::size_t got = 0;
      if (const int status = read(response.body.data() + at, size, true, got); status != 0) return status;
      if (const int status = read_line(line); status != 0) return status;
      if (!line.empty()) return NNG_EPROTO;
    }
  }
  int read_trailer(std::string& line) {
    for (int i = 0; i < 64; ++i) {
      if (const int status = read_line(line); status != 0 || line.empty()) return status;
    }
    return NNG_EPROTO;
  }

  const Origin& origin_;
  Aio aio_;
  HttpConnection connection_;
  Deadline deadline_;
};

// ---- All of them ----------------------------------------------------------------------------------------------------

Client::Client(const std::string& origin, const std::string& ca, std::size_t most_connections)
    : origin_(std::make_unique<Origin>(origin, ca)) {
  for (std::size_t i = 0; i < most_connections; ++i) {
    free_.push_back(std::make_unique<Connection>(*origin_));
    all_.push_back(free_.back().get());
  }
}

Client::~Client() = default;

void Client::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_stopped_ = true;
  for (Connection* const connection : all_) connection->stop();
}

std::unique_ptr<Client::Connection> Client::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_stopped_ || free_.empty()) return nullptr;
  auto connection = std::move(free_.back());
  free_.pop_back();
  return connection;
}

void Client::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(connection));
}

bool Client::post(Rendered& request, const char* content_type, Deadline deadline, Response& response,
                  std::string& why) {
  nng_http_req* raw = nullptr;
  int status = nng_http_req_alloc(&raw, origin_->url());
  const Request made(raw);
  if (status == 0) status = nng_http_req_set_method(raw, "POST");
  if (status == 0) status = nng_http_req_set_uri(raw, request.target.c_str());
  if (status == 0) status = nng_http_req_set_header(raw, "Content-Type", content_type);
  for (const auto& [name, value] : request.headers) {
    if (status == 0) status = nng_http_req_set_header(raw, name.c_str(), value.c_str());
  }
  // Not a copy: the body is the request's, and wiped with it.
  if (status == 0) status = nng_http_req_set_data(raw, request.body.data(), request.body.size());
  auto connection = take();
  if (status == 0) status = connection ? connection->exchange(raw, deadline, response) : NNG_ECLOSED;
  if (connection) give_back(std::move(connection));
  if (status == NNG_EMSGSIZE) return why = "its answer is longer than 64 KiB", false;
  if (status != 0) return why = nng_strerror(status), false;
  return true;
}

}  // namespace auth_http
