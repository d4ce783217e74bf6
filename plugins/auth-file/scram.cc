#include "scram.h"

#include <array>

namespace auth_file::scram {

namespace password = mortise::password;
using password::Sha256;
namespace detail = mortise::password::detail;

namespace {

std::nullopt_t fail(const char*& why, const char* text) {
  why = text;
  return std::nullopt;
}

/// Takes "<letter>=<value>" off the front, up to a comma, which goes too. Nothing when another attribute stands there.
std::optional<std::string_view> take_attribute(std::string_view& rest, char letter) {
  if (rest.size() < 2 || rest[0] != letter || rest[1] != '=') return std::nullopt;
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view value = rest.substr(2, end - 2);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return value;
}

/// What stands behind the attributes that are known: more of them, which mean nothing.
bool are_extensions(std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, end);
    const bool is_letter = !one.empty() && ((one[0] >= 'a' && one[0] <= 'z') || (one[0] >= 'A' && one[0] <= 'Z'));
    if (one.size() < 3 || !is_letter || one[1] != '=') return false;
    if (end + 1 == rest.size()) return false;  // a comma and nothing behind it
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

/// Printable ASCII without the comma.
bool is_nonce(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (const char character : text) {
    if (character < 0x21 || character > 0x7E || character == ',') return false;
  }
  return true;
}

/// How many bytes the UTF-8 character that begins with `lead` has; 0 for none.
std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/// UTF-8 without NUL, surrogates and forms that are longer than they must be.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = length_of(lead);
    if (length == 0 || length > text.size() - i) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
    if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    i += length;
  }
  return true;
}

/// RFC 5802 section 5.1: a comma is "=2C", an equals sign "=3D", and no other equals sign may stand there.
std::optional<std::string> unescape(std::string_view text) {
  std::string user;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      user += text[i];
      continue;
    }
    const std::string_view escape = text.substr(i, 3);
    if (escape != "=2C" && escape != "=3D") return std::nullopt;
    user += escape == "=2C" ? ',' : '=';
    i += 2;
  }
  if (user.empty() || user.size() > kMaximumUser || !is_utf8(user)) return std::nullopt;
  return user;
}

/// Takes the same time wherever they differ.
bool is_same(const Sha256& one, const Sha256& other) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) difference |= one[i] ^ other[i];
  return difference == 0;
}

}  // namespace

std::optional<ClientFirstView> parse_client_first(std::string_view message, const char*& why) {
  if (message.size() > kMaximumMessage) return fail(why, "the first message is too long");
  ClientFirstView first;
  std::string_view rest = message;
  // "y": the client could bind to the channel and saw that we do not offer it, which is so.
  const auto flag = detail::take_until(rest, ',');
  if (flag && flag->substr(0, 2) == "p=") return fail(why, "channel binding is not offered");
  if (!flag || (*flag != "n" && *flag != "y")) return fail(why, "no GS2 header");
  const auto authorization = detail::take_until(rest, ',');
  if (!authorization) return fail(why, "no GS2 header");
  first.gs2_header = message.substr(0, message.size() - rest.size());
  first.bare = rest;
  if (rest.substr(0, 2) == "m=") return fail(why, "a mandatory extension");
  const auto name = take_attribute(rest, 'n');
  auto user = name ? unescape(*name) : std::nullopt;
  if (!user) return fail(why, "no proper user name");
  first.user = std::move(*user);
  const auto nonce = take_attribute(rest, 'r');
  if (!nonce || !is_nonce(*nonce, kMaximumNonce)) return fail(why, "no proper nonce");
  first.nonce = *nonce;
  if (message.back() == ',' || !are_extensions(rest)) return fail(why, "something else behind the nonce");
  if (authorization->empty()) return first;
  const auto identity = authorization->substr(0, 2) == "a=" ? unescape(authorization->substr(2)) : std::nullopt;
  if (identity != first.user) return fail(why, "an authorization identity that is not the user");
  return first;
}

std::optional<ClientFinalView> parse_client_final(std::string_view message, const char*& why) {
  if (message.size() > kMaximumMessage) return fail(why, "the last message is too long");
  ClientFinalView final;
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return fail(why, "no proof");
  final.without_proof = message.substr(0, proof_at);
  if (!detail::key_from_base64(message.substr(proof_at + 3), final.proof)) return fail(why, "no proper proof");
  std::string_view rest = final.without_proof;
  const auto binding = take_attribute(rest, 'c');
  auto undone = binding ? detail::from_base64(*binding) : std::nullopt;
  if (!undone) return fail(why, "no proper channel binding");
  final.channel_binding = std::move(*undone);
  const auto nonce = take_attribute(rest, 'r');
  if (!nonce || !is_nonce(*nonce, kMaximumMessage)) return fail(why, "no proper nonce");
  final.nonce = *nonce;
  if (final.without_proof.back() == ',' || !are_extensions(rest)) return fail(why, "something else behind the nonce");
  return final;
}

std::string make_nonce() {
  std::array<unsigned char, 18> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return detail::base64(bytes.data(), bytes.size());
}

Exchange::Exchange(const ClientFirstView& first, const password::Verifier& verifier, bool is_known,
                   const std::string& server_nonce)
    : user_(first.user),
      gs2_header_(first.gs2_header),
      client_first_bare_(first.bare),
      nonce_(std::string(first.nonce) + server_nonce),
      stored_key_(verifier.stored_key),
      server_key_(verifier.server_key),
      is_known_(is_known) {
  server_first_ = "r=" + nonce_ + ",s=" + detail::base64(detail::bytes_of(verifier.salt), verifier.salt.size()) +
                  ",i=" + std::to_string(verifier.iterations);
}

std::optional<std::string> Exchange::finish(std::string_view client_final, const char*& why) const {
  const auto final = parse_client_final(client_final, why);
  if (!final) return std::nullopt;
  if (final->channel_binding != gs2_header_) return fail(why, "another GS2 header than the first one");
  if (final->nonce != nonce_) return fail(why, "another nonce");
  // RFC 5802 section 3: the proof is ClientKey XOR ClientSignature, and StoredKey is H(ClientKey).
  const std::string auth_message = client_first_bare_ + "," + server_first_ + "," + std::string(final->without_proof);
  Sha256 signature{};
  Sha256 key{};
  Sha256 server_signature{};
  bool done = detail::hmac_sha256(stored_key_, auth_message, signature) &&
              detail::hmac_sha256(server_key_, auth_message, server_signature);
  for (std::size_t i = 0; i < signature.size(); ++i) signature[i] ^= final->proof[i];
  done =
      mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), signature.data(), signature.size(), key.data()) == 0 &&
      done;
  detail::wipe(signature.data(), signature.size());  // the ClientKey
  const bool is_right = is_same(key, stored_key_);
  if (!done || !is_right || !is_known_) return fail(why, "the wrong password, or no such user");
  return "v=" + detail::base64(server_signature.data(), server_signature.size());
}

}  // namespace auth_file::scram
