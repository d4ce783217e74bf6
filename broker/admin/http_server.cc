#include "broker/admin/http_server.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <iterator>

#include "broker/admin/routes.h"
#include "broker/admin/token.h"
#include "broker/base/bytes.h"
#include "broker/base/log.h"
#include "broker/net/listen_socket.h"

// Design notes. Of a request nothing is read into memory before its token was found right, the header apart: a stranger
// costs a thread, 32 KiB and ten seconds of silence, and makes room for who comes later (callers.h). Percent signs are
// left as they are by the library, so that a client id with a slash in it is one segment of the path.

namespace mortise::admin {

namespace {

constexpr unsigned kSilenceSeconds = 10;
constexpr std::size_t kHeaderBytes = 32u << 10;
constexpr std::size_t kThreadStack = 512u << 10;
constexpr unsigned kLeaving = 16;  // connections that were sent away and are not gone yet
constexpr Millis kPatience{30'000};

/// A request whose body comes in pieces.
struct Arriving {
  std::string body;
  std::size_t longest = 0;
  bool is_too_long = false;
};

MHD_Result send(MHD_Connection* connection, const Response& response, bool is_last) {
  MHD_Response* made = MHD_create_response_from_buffer(response.body.size(), const_cast<char*>(response.body.data()),
                                                       MHD_RESPMEM_MUST_COPY);
  if (made == nullptr) return MHD_NO;
  MHD_add_response_header(made, "Content-Type", response.content_type.c_str());
  MHD_add_response_header(made, "Cache-Control", "no-store");
  if (response.status == 401) MHD_add_response_header(made, "WWW-Authenticate", "Bearer realm=\"mortise\"");
  if (!response.allowed_methods.empty()) MHD_add_response_header(made, "Allow", response.allowed_methods.c_str());
  if (is_last) MHD_add_response_header(made, "Connection", "close");
  const MHD_Result queued = MHD_queue_response(connection, response.status, made);
  MHD_destroy_response(made);
  return queued;
}

/// Collects the query. Errors: a name that comes twice, or what is not percent-encoded as it must be.
struct QueryReading {
  std::map<std::string, std::string>& query;
  std::string wrong;

  static MHD_Result add(void* reading, MHD_ValueKind, const char* name, const char* value) {
    auto& self = *static_cast<QueryReading*>(reading);
    const auto decoded_name = percent_decoded(name);
    const auto decoded = percent_decoded(value == nullptr ? "" : value);
    if (!decoded_name || !decoded) {
      self.wrong = "the query has a % that two hexadecimal digits do not follow; write %25 for a percent sign";
    } else if (!self.query.emplace(*decoded_name, *decoded).second) {
      self.wrong = "the parameter " + quoted(*decoded_name, 64) + " is there twice; keep one";
    }
    return self.wrong.empty() ? MHD_YES : MHD_NO;
  }
};

Response ask(Inbox& inbox, MHD_Connection* connection, const char* path, const char* method, Arriving& arriving) {
  if (arriving.is_too_long)
    return error_response(413,
                          "the body is longer than admin.max_body, " + std::to_string(arriving.longest) + " bytes");
  Request request;
  // HEAD is GET without the body, which the library leaves out.
  request.method = std::strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 ? "GET" : method;
  auto segments = split_path(path);
  if (!segments) return error_response(400, segments.error().message);
  request.path = std::move(*segments);
  QueryReading reading{request.query, {}};
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &QueryReading::add, &reading);
  if (!reading.wrong.empty()) return error_response(400, reading.wrong);
  request.body = std::move(arriving.body);
  return inbox.ask(std::move(request), kPatience);
}

bool is_token(const std::string& token, const char* authorization) noexcept {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization == nullptr) return false;
  const std::string_view given = authorization;
  if (given.size() < kScheme.size() || strncasecmp(given.data(), kScheme.data(), kScheme.size()) != 0) return false;
  return is_same_token(token, given.substr(kScheme.size()));
}

Result<std::string> read_pem(const std::filesystem::path& file, const char* setting) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.empty())
    return failure(std::string(setting) + " " + quoted(file.string()) +
                   " cannot be read: " + (text.empty() && in ? "it is empty" : std::strerror(errno)));
  return text;
}

/// Of the listening socket: the library only takes it over.
config::ListenerSettings door_of(const config::AdminSettings& settings) {
  config::ListenerSettings door;
  door.url = settings.url;
  door.host = settings.host;
  door.port = settings.port;
  door.backlog = 64;
  return door;
}

Result<net::Descriptor> duplicate(const net::Descriptor& socket) {
  net::Descriptor other(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!other) return failure(std::string("admin.url cannot be served: ") + std::strerror(errno));
  return other;
}

/// Closes a descriptor unless it is none of `socket` any more.
void close_if_left(int descriptor, const net::Descriptor& socket) {
  struct stat left {};
  struct stat same {};
  const bool is_left = ::fstat(descriptor, &left) == 0 && ::fstat(socket.get(), &same) == 0 &&
                       left.st_dev == same.st_dev && left.st_ino == same.st_ino;
  if (is_left) net::Descriptor(descriptor).reset();
}

}  // namespace

// ---- What the library calls -----------------------------------------------------------------------------------------

struct HttpServer::Callbacks {
  static Caller& caller_of(MHD_Connection* connection) {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return *static_cast<Caller*>(info->socket_context);
  }

  static void connection_changed(void* context, MHD_Connection* connection, void** caller,
                                 MHD_ConnectionNotificationCode what) {
    Callers& callers = static_cast<HttpServer*>(context)->callers_;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
      *caller = callers.arrived(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
      callers.left(*static_cast<Caller*>(*caller));
    }
  }

  static MHD_Result begin(HttpServer& server, MHD_Connection* connection, const char* path, void** arriving) {
    const char* authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    const config::AdminSettings& settings = server.basis_.settings;
    const bool is_known = is_token(server.basis_.token, authorization);
    if (!is_known && !is_open_path(path, settings.open_metrics))
      return send(connection, error_response(401, "show the token of admin.token_file: Authorization: Bearer TOKEN"),
                  true);
    if (is_known) server.callers_.showed_token(caller_of(connection));
    // Nothing that a stranger may ask for has a body.
    *arriving = new Arriving{{}, is_known ? settings.max_body : 0, false};
    return MHD_YES;
  }

  static MHD_Result answer(void* context, MHD_Connection* connection, const char* path, const char* method, const char*,
                           const char* piece, std::size_t* piece_size, void** arriving) {
    auto& server = *static_cast<HttpServer*>(context);
    if (*arriving == nullptr) return begin(server, connection, path, arriving);
    auto& request = *static_cast<Arriving*>(*arriving);
    if (*piece_size == 0) {
      // Who was sent away has no answer to wait for; who waits for one is not sent away.
      if (!server.callers_.begin_request(caller_of(connection))) return MHD_NO;
      const Response response = ask(server.inbox_, connection, path, method, request);
      server.callers_.end_request(caller_of(connection));
      return send(connection, response, request.is_too_long || server.is_retired_.load());
    }
    request.is_too_long = request.is_too_long || request.body.size() + *piece_size > request.longest;
    if (request.is_too_long) {
      request.body = std::string();
    } else {
      request.body.append(piece, *piece_size);
    }
    *piece_size = 0;
    return MHD_YES;
  }

  static void completed(void*, MHD_Connection*, void** arriving, MHD_RequestTerminationCode) {
    delete static_cast<Arriving*>(*arriving);
    *arriving = nullptr;
  }

  static std::size_t leave_escaped(void*, MHD_Connection*, char* text) { return std::strlen(text); }

  __attribute__((format(printf, 2, 0))) static void log(void*, const char* format, va_list arguments) {
    std::array<char, 256> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    MORTISE_LOG(kDebug, "admin", "%s", line.data());
  }
};

// ---- The server -----------------------------------------------------------------------------------------------------

Result<HttpServer::Basis> HttpServer::read(const config::AdminSettings& settings) {
  Basis basis{settings, {}, {}, {}};
  if (settings.has_tls) {
    auto certificate = read_pem(settings.certificate, "admin.tls.certificate");
    if (!certificate) return std::move(certificate).as_failure();
    auto key = read_pem(settings.key, "admin.tls.key");
    if (!key) return std::move(key).as_failure();
    basis.certificate = std::move(*certificate);
    basis.key = std::move(*key);
  }
  // The last: it may be made here.
  Result<std::string> token = read_or_make_token(settings.token_file);
  if (!token) return std::move(token).as_failure();
  basis.token = std::move(*token);
  return basis;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(Basis basis, std::function<void()> ring,
                                                      const HttpServer* before) {
  std::unique_ptr<HttpServer> server(
      new HttpServer(std::move(basis), std::move(ring)));  // NOLINT: the constructor is private
  if (Result<void> listening = server->listen(before); !listening) return std::move(listening).as_failure();
  return server;
}

Result<void> HttpServer::listen(const HttpServer* before) {
  const config::AdminSettings& settings = basis_.settings;
  has_taken_over_ = before != nullptr && before->basis_.settings.host == settings.host &&
                    (before->basis_.settings.port == settings.port || before->port_ == settings.port);
  Result<net::Descriptor> socket =
      has_taken_over_ ? duplicate(before->socket_) : net::open_listen_socket(door_of(settings), "admin.url");
  if (!socket && before != nullptr && before->port_ == settings.port)
    return failure(socket.error().message + " (the port is the API's own: at another address it needs a restart)");
  if (!socket) return std::move(socket).as_failure();
  socket_ = std::move(*socket);
  port_ = net::local_end_of(socket_.get()).port;
  url_ = settings.url.substr(0, settings.url.rfind(':') + 1) + std::to_string(port_);
  // One of its own, which the library closes when it stops, and mostly when it cannot start.
  Result<net::Descriptor> listening = duplicate(socket_);
  if (!listening) return std::move(listening).as_failure();
  const int given = listening->release();

  std::array<MHD_OptionItem, 4> tls{};
  if (settings.has_tls) {
    tls = {{{MHD_OPTION_HTTPS_MEM_CERT, 0, basis_.certificate.data()},
            {MHD_OPTION_HTTPS_MEM_KEY, 0, basis_.key.data()},
            {MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2")},
            {MHD_OPTION_END, 0, nullptr}}};
  }
  unsigned flags =
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG;
  if (settings.has_tls) flags |= MHD_USE_TLS;
  const auto most = static_cast<unsigned>(settings.max_connections) + kLeaving;
  daemon_ = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &Callbacks::answer, this, MHD_OPTION_EXTERNAL_LOGGER, &Callbacks::log, nullptr,
      MHD_OPTION_ARRAY, tls.data(), MHD_OPTION_LISTEN_SOCKET, given, MHD_OPTION_CONNECTION_LIMIT, most,
      MHD_OPTION_CONNECTION_TIMEOUT, kSilenceSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeaderBytes,
      MHD_OPTION_THREAD_STACK_SIZE, kThreadStack, MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::completed, nullptr,
      MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::connection_changed, this, MHD_OPTION_UNESCAPE_CALLBACK,
      &Callbacks::leave_escaped, nullptr, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (daemon_ == nullptr) {
    close_if_left(given, socket_);
    return failure("cannot serve " + settings.url + ": " +
                   (settings.has_tls ? "admin.tls.certificate and admin.tls.key are no pair in PEM"
                                     : "no thread or descriptor is left"));
  }
  return {};
}

void HttpServer::retire(const HttpServer* successor) {
  is_retired_.store(true);
  quiesced_ = net::Descriptor(MHD_quiesce_daemon(daemon_));
  // Where nobody accepts any more, nobody is to wait.
  if (successor == nullptr || !successor->has_taken_over_) ::shutdown(socket_.get(), SHUT_RDWR);
  callers_.send_strangers_away();
}

HttpServer::~HttpServer() {
  inbox_.close();
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

}  // namespace mortise::admin
