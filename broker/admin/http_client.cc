#include "broker/admin/http_client.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <nng/supplemental/tls/tls.h>

#include <memory>

#include "broker/base/bytes.h"

namespace mortise::admin {

namespace {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* what) const { Free(what); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;
using Url = Owned<nng_url, nng_url_free>;
using Aio = Owned<nng_aio, nng_aio_free>;
using Tls = Owned<nng_tls_config, nng_tls_config_free>;
using HttpClient = Owned<nng_http_client, nng_http_client_free>;
using Connection = Owned<nng_http_conn, nng_http_conn_close>;
using HttpRequest = Owned<nng_http_req, nng_http_req_free>;
using HttpResponse = Owned<nng_http_res, nng_http_res_free>;

/// What one request needs, made in this order.
struct Exchange {
  Url url;
  HttpClient client;
  Tls tls;
  Aio aio;
  HttpRequest request;
  HttpResponse response;
  Connection connection;
};

Failure<Error> cannot(const ApiAddress& address, const std::string& why) {
  return failure(address.url + " cannot be asked: " + why);
}

Failure<Error> cannot(const ApiAddress& address, int error) {
  std::string remedy;
  if (error == NNG_ECONNREFUSED) remedy = "; is the broker running, with admin.url?";
  if (error == NNG_EPEERAUTH || error == NNG_ECRYPTO) remedy = "; name in --ca who issued its certificate";
  return cannot(address, nng_strerror(error) + remedy);
}

template <class Pointer, class Make>
int make(Pointer& owned, Make&& maker) {
  typename Pointer::pointer made = nullptr;
  const int error = maker(&made);
  owned.reset(made);
  return error;
}

int trust(Exchange& exchange, const std::filesystem::path& ca) {
  if (const int error = make(exchange.tls, [](auto** made) { return nng_tls_config_alloc(made, NNG_TLS_MODE_CLIENT); }))
    return error;
  nng_tls_config_auth_mode(exchange.tls.get(), NNG_TLS_AUTH_MODE_REQUIRED);
  nng_tls_config_server_name(exchange.tls.get(), exchange.url->u_hostname);
  if (const int error = nng_tls_config_ca_file(exchange.tls.get(), ca.c_str())) return error;
  return nng_http_client_set_tls(exchange.client.get(), exchange.tls.get());
}

int prepare(Exchange& exchange, const ApiAddress& address, Millis patience) {
  if (const int error = make(exchange.url, [&](auto** made) { return nng_url_parse(made, address.url.c_str()); }))
    return error;
  if (const int error =
          make(exchange.client, [&](auto** made) { return nng_http_client_alloc(made, exchange.url.get()); }))
    return error;
  if (address.url.starts_with("https:")) {
    if (const int error = trust(exchange, address.ca)) return error;
  }
  if (const int error = make(exchange.aio, [](auto** made) { return nng_aio_alloc(made, nullptr, nullptr); }))
    return error;
  nng_aio_set_timeout(exchange.aio.get(), static_cast<nng_duration>(patience.count()));
  if (const int error =
          make(exchange.request, [&](auto** made) { return nng_http_req_alloc(made, exchange.url.get()); }))
    return error;
  return make(exchange.response, [](auto** made) { return nng_http_res_alloc(made); });
}

int fill(nng_http_req* request, const ApiAddress& address, const std::string& method, const std::string& target,
         const std::string& body) {
  if (const int error = nng_http_req_set_method(request, method.c_str())) return error;
  if (const int error = nng_http_req_set_uri(request, target.c_str())) return error;
  if (const int error = nng_http_req_set_header(request, "Authorization", ("Bearer " + address.token).c_str()))
    return error;
  if (body.empty()) return 0;
  if (const int error = nng_http_req_set_header(request, "Content-Type", "application/json")) return error;
  return nng_http_req_copy_data(request, body.data(), body.size());
}

}  // namespace

Result<ApiAnswer> ask_api(const ApiAddress& address, const std::string& method, const std::string& target,
                          const std::string& body, Millis patience) {
  if (address.url.starts_with("https:") && address.ca.empty())
    return cannot(address, "it speaks TLS; name in --ca who issued its certificate");
  Exchange exchange;
  if (const int error = prepare(exchange, address, patience)) return cannot(address, error);
  if (const int error = fill(exchange.request.get(), address, method, target, body)) return cannot(address, error);
  nng_http_client_connect(exchange.client.get(), exchange.aio.get());
  nng_aio_wait(exchange.aio.get());
  if (const int error = nng_aio_result(exchange.aio.get())) return cannot(address, error);
  exchange.connection.reset(static_cast<nng_http_conn*>(nng_aio_get_output(exchange.aio.get(), 0)));
  nng_http_conn_transact(exchange.connection.get(), exchange.request.get(), exchange.response.get(),
                         exchange.aio.get());
  nng_aio_wait(exchange.aio.get());
  if (const int error = nng_aio_result(exchange.aio.get())) return cannot(address, error);
  void* data = nullptr;
  std::size_t size = 0;
  nng_http_res_get_data(exchange.response.get(), &data, &size);
  return ApiAnswer{nng_http_res_get_status(exchange.response.get()), std::string(static_cast<const char*>(data), size)};
}

std::string percent_encoded(std::string_view text) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace mortise::admin
