// SCRAM messages of a client, arbitrary and almost right: nothing is read outside of them, what is accepted stands by
// the grammar, and nobody without the password gets in. Layout: the first message, 0xFF, what is done to the last one.
#include "plugins/auth-file/scram.h"

#include <cstdlib>

#include "fuzz/input.h"

namespace auth_file::scram {
namespace {

namespace password = mortise::password;
using mortise::fuzz::InputView;

void must(bool holds) {
  if (!holds) std::abort();
}

const password::Verifier& verifier() {
  static const password::Verifier made = [] {
    password::Verifier one;
    one.iterations = 1;
    one.salt = "salt";
    must(password::detail::derive("pencil", one));
    return one;
  }();
  return made;
}

std::string escaped(std::string_view user) {
  std::string text;
  for (const char character : user) {
    if (character == ',')
      text += "=2C";
    else if (character == '=')
      text += "=3D";
    else
      text += character;
  }
  return text;
}

/// What a client that knows the password says last.
std::string right_final(const ClientFirstView& first, const Exchange& exchange) {
  password::Sha256 salted{};
  password::Sha256 key{};
  password::Sha256 signature{};
  const std::string& challenge = exchange.challenge();
  const std::string nonce = challenge.substr(2, challenge.find(',') - 2);
  const std::string binding =
      password::detail::base64(password::detail::bytes_of(first.gs2_header), first.gs2_header.size());
  const std::string without_proof = "c=" + binding + ",r=" + nonce;
  const std::string auth_message = std::string(first.bare) + "," + challenge + "," + without_proof;
  must(password::detail::salted_password("pencil", verifier().salt, verifier().iterations, salted));
  must(password::detail::hmac_sha256(salted, "Client Key", key));
  must(password::detail::hmac_sha256(verifier().stored_key, auth_message, signature));
  for (std::size_t i = 0; i < key.size(); ++i) key[i] ^= signature[i];
  return without_proof + ",p=" + password::detail::base64(key.data(), key.size());
}

void check_first(std::string_view message, const ClientFirstView& first) {
  must(message == std::string(first.gs2_header) + std::string(first.bare));
  must(!first.user.empty() && first.user.size() <= kMaximumUser && first.user.find('\0') == std::string::npos);
  must(!first.nonce.empty() && first.nonce.find(',') == std::string_view::npos);
  must(first.bare.substr(0, 2) == "n=");
  must(first.bare.substr(2, first.bare.find(',') - 2) == escaped(first.user));
}

void check_final(std::string_view message) {
  const char* why = "";
  const auto final = parse_client_final(message, why);
  if (!final) return must(*why != '\0');
  must(message.substr(0, final->without_proof.size()) == final->without_proof);
  must(!final->nonce.empty() && final->nonce.find(',') == std::string_view::npos);
}

/// The right last message with one change, or the input's own.
std::string changed(std::string right, InputView& in) {
  const std::uint8_t how = in.byte();
  if (how >= 128) return std::string(in.text(5000));
  if (how > 0) right[in.byte() % right.size()] = static_cast<char>(in.byte());
  return right;
}

/// Only the base64 of the proof may be written in another way.
void check_accepted(std::string_view last, std::string_view right) {
  const char* why = "";
  const auto said = parse_client_final(last, why);
  const auto expected = parse_client_final(right, why);
  must(said && expected && said->without_proof == expected->without_proof && said->proof == expected->proof);
}

}  // namespace

void run_input(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::size_t end = std::min(input.find('\xFF'), input.size());
  const std::string_view message = input.substr(0, end);
  InputView rest(bytes + std::min(end + 1, size), size - std::min(end + 1, size));
  check_final(message);
  const char* why = "";
  const auto first = parse_client_first(message, why);
  if (!first) return must(*why != '\0');
  check_first(message, *first);
  const bool is_known = rest.flag();
  const Exchange exchange(*first, verifier(), is_known, "server");
  const std::string right = right_final(*first, exchange);
  const std::string last = changed(right, rest);
  check_final(last);
  const bool is_accepted = exchange.finish(last, why).has_value();
  if (last == right) must(is_accepted == is_known);
  if (is_accepted) check_accepted(last, right);
}

}  // namespace auth_file::scram

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  auth_file::scram::run_input(bytes, size);
  return 0;
}
