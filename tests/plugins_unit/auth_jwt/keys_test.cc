#include "keys.h"

#include <gmock/gmock.h>

#include "issuer.h"

namespace auth_jwt::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string kSecret(32, 'k');

/// One of each kind; RSA keys take a while to make.
const Issuer& issuer_of(Algorithm algorithm) {
  static const std::unique_ptr<Issuer> all[] = {make_hs256(kSecret), make_rs256(), make_es256()};
  return *all[static_cast<std::size_t>(algorithm)];
}

KeySet key_set(const json& keys) {
  std::string error;
  std::size_t left_out = 0;
  const auto set = KeySet::parse_jwks(json{{"keys", keys}}.dump(), error, left_out);
  EXPECT_NE(set, nullptr) << error;
  return set ? *set : KeySet();
}

std::string why_refused(const KeySet& keys, const std::string& text) {
  const char* why = "";
  const auto token = parse_token(text, why);
  if (!token) return why;
  return keys.verify(*token, why) ? "" : why;
}

class EachAlgorithm : public ::testing::TestWithParam<Algorithm> {
 protected:
  const Issuer& issuer() const { return issuer_of(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Jwt, EachAlgorithm, ::testing::Values(Algorithm::kHs256, Algorithm::kRs256, Algorithm::kEs256),
                         [](const auto& which) { return name_of(which.param); });

TEST_P(EachAlgorithm, ATokenItsKeySignedIsRightAndNoOther) {
  const KeySet keys = key_set(json::array({issuer().jwk()}));
  const std::string good = issuer().token({{"sub", "alice"}});
  EXPECT_EQ(why_refused(keys, good), "");
  // Every single character counts, in all three parts.
  for (std::size_t i = 0; i < good.size(); i += 3) {
    if (good[i] == '.') continue;
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(why_refused(keys, changed), "") << i;
  }
  for (std::size_t size = 0; size < good.size(); size += 7) EXPECT_NE(why_refused(keys, good.substr(0, size)), "");
}

TEST_P(EachAlgorithm, SignaturesOfAnotherLengthAreRefused) {
  const KeySet keys = key_set(json::array({issuer().jwk()}));
  const std::string text = unsigned_token(json{{"alg", issuer().algorithm()}}.dump(), "{}");
  const std::string signature = issuer().sign(text);
  for (const std::string& other : {std::string(), signature.substr(1), signature.substr(0, signature.size() - 1),
                                   signature + '\0', std::string(1, '\0') + signature, signature + signature,
                                   std::string(signature.size(), '\0'), std::string(signature.size(), '\xff')}) {
    EXPECT_EQ(why_refused(keys, text + "." + base64url(other)), "its signature is wrong");
  }
  EXPECT_EQ(why_refused(keys, text + "." + base64url(signature)), "");
}

TEST_P(EachAlgorithm, AKeyIsForItsOwnAlgorithmWhateverTheTokenSays) {
  const KeySet keys = key_set(json::array({issuer().jwk()}));
  for (const char* const claimed : {"HS256", "RS256", "ES256"}) {
    if (std::string_view(claimed) == issuer().algorithm()) continue;
    // Signed by the right key, and by the public key's own text as a secret.
    EXPECT_EQ(why_refused(keys, issuer().token({}, {{"alg", claimed}})), "its alg is not that of the key");
    const auto confused = make_hs256(issuer().pem() + std::string(32, 'x'));
    EXPECT_NE(why_refused(keys, confused->token({})), "");
  }
  for (const char* const unknown : {"none", "None", "NONE", "", "HS384", "RS512", "hs256", "PS256", "EdDSA"}) {
    const std::string text = unsigned_token(json{{"alg", unknown}}.dump(), "{}");
    EXPECT_EQ(why_refused(keys, text + "."), "its alg is none that is known") << unknown;
    EXPECT_EQ(why_refused(keys, text + "." + base64url(issuer().sign(text))), "its alg is none that is known");
  }
}

TEST(Keys, APublicKeyAsASecretSignsNothing) {
  std::string error;
  const Issuer& issuer = issuer_of(Algorithm::kRs256);
  KeySet keys;
  keys.add(*Key::from_pem(issuer.pem(), error));
  EXPECT_EQ(why_refused(keys, issuer.token({})), "");
  EXPECT_EQ(why_refused(keys, make_hs256(issuer.pem())->token({})), "its alg is not that of the key");
}

TEST(Keys, AZeroInAnEs256SignatureSignsNothing) {
  const Issuer& issuer = issuer_of(Algorithm::kEs256);
  const KeySet keys = key_set(json::array({issuer.jwk()}));
  const std::string text = unsigned_token(R"({"alg":"ES256"})", "{}");
  const std::string good = issuer.sign(text);
  const std::string zero(32, '\0');
  const std::string one = std::string(31, '\0') + '\x01';
  // The order of P-256, which stands for zero.
  const std::string order(
      "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
      "\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51",
      32);
  for (const std::string& other : {zero + zero, good.substr(0, 32) + zero, zero + good.substr(32), order + order,
                                   one + zero, good.substr(0, 32) + order, one + one}) {
    EXPECT_EQ(why_refused(keys, text + "." + base64url(other)), "its signature is wrong");
  }
}

TEST(Keys, ThePemOfEachKindSaysTheSameAsItsJwk) {
  for (const Algorithm algorithm : {Algorithm::kRs256, Algorithm::kEs256}) {
    std::string error;
    auto key = Key::from_pem(issuer_of(algorithm).pem(), error);
    ASSERT_TRUE(key) << error;
    EXPECT_EQ(key->algorithm(), algorithm);
    KeySet keys;
    keys.add(*std::move(key));
    EXPECT_EQ(why_refused(keys, issuer_of(algorithm).token({})), "");
    EXPECT_EQ(why_refused(keys, issuer_of(algorithm).token({}, {{"kid", "any"}})), "") << "it has no kid of its own";
  }
}

TEST(Keys, TheKidChoosesTheKey) {
  const auto one = make_hs256(std::string(32, '1'));
  const auto two = make_hs256(std::string(32, '2'));
  json first = one->jwk();
  json second = two->jwk();
  first["kid"] = "1";
  second["kid"] = "2";
  const KeySet keys = key_set({first, second});
  EXPECT_EQ(why_refused(keys, one->token({}, {{"kid", "1"}})), "");
  EXPECT_EQ(why_refused(keys, two->token({}, {{"kid", "2"}})), "");
  EXPECT_EQ(why_refused(keys, two->token({}, {{"kid", "1"}})), "its signature is wrong");
  EXPECT_EQ(why_refused(keys, two->token({}, {{"kid", "3"}})), "no key has its kid");
  EXPECT_EQ(why_refused(keys, two->token({}, {{"kid", 2}})), "its kid is no text");
  EXPECT_EQ(why_refused(keys, two->token({})), "") << "without one all are tried";
  EXPECT_TRUE(keys.knows("1"));
  EXPECT_FALSE(keys.knows("3"));
}

TEST(Keys, WithoutAKidOnlyAFewKeysAreTried) {
  json keys = json::array();
  for (char digit = '1'; digit <= '5'; ++digit) keys.push_back(make_hs256(std::string(32, digit))->jwk());
  const KeySet set = key_set(keys);
  EXPECT_EQ(why_refused(set, make_hs256(std::string(32, '4'))->token({})), "");
  EXPECT_EQ(why_refused(set, make_hs256(std::string(32, '5'))->token({})),
            "more than 4 keys could be meant; it needs a kid");
}

TEST(Keys, KeysOfASetForOthersAreLeftOut) {
  json encrypts = make_hs256(kSecret)->jwk();
  encrypts["use"] = "enc";
  json other = issuer_of(Algorithm::kRs256).jwk();
  other["alg"] = "RS512";
  const json ed = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "AA"}};
  std::string error;
  std::size_t left_out = 0;
  const json all = {encrypts, other, ed, issuer_of(Algorithm::kEs256).jwk()};
  const auto set = KeySet::parse_jwks(json{{"keys", all}}.dump(), error, left_out);
  ASSERT_NE(set, nullptr) << error;
  EXPECT_EQ(set->size(), 1u);
  EXPECT_EQ(left_out, 3u);
}

TEST(Keys, ASetThatIsNoneIsRefusedWithTheReason) {
  json off_curve = issuer_of(Algorithm::kEs256).jwk();
  off_curve["y"] = off_curve["x"];
  json short_point = off_curve;
  short_point["x"] = "AAAA";
  json many = json::array();
  for (int i = 0; i < 65; ++i) many.push_back(make_hs256(kSecret)->jwk());
  const std::string deep(20, '[');
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "an object with a list named keys"},
      {"{}", "an object with a list named keys"},
      {R"({"keys": {}})", "an object with a list named keys"},
      {R"({"keys": [], "keys": []})", "a key twice"},
      {deep + std::string(20, ']'), "nested too deeply"},
      {R"({"keys": []})", "no key for"},
      {R"({"keys": [5]})", "keys[0] is no object"},
      {R"({"keys": [{"kty": "oct", "k": 5}]})", "keys[0] is shorter than 32 bytes"},
      {R"({"keys": [{"kty": "oct", "k": "AAAA"}]})", "keys[0] is shorter than 32 bytes"},
      {R"({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})", "keys[0] is no RSA key"},
      {R"({"keys": [{"kty": "RSA"}]})", "keys[0] is no RSA key"},
      {json{{"keys", json::array({make_rs256(1024)->jwk()})}}.dump(), "less than 2048 bits"},
      {json{{"keys", json::array({off_curve})}}.dump(), "no point of the curve"},
      {json{{"keys", json::array({short_point})}}.dump(), "32 bytes each"},
      {json{{"keys", many}}.dump(), "more than 64 keys"},
  };
  for (const auto& [text, expected] : cases) {
    std::string error;
    std::size_t left_out = 0;
    EXPECT_EQ(KeySet::parse_jwks(text, error, left_out), nullptr) << text;
    EXPECT_THAT(error, HasSubstr(expected)) << text;
  }
}

TEST(Keys, APemThatIsNoPublicKeyIsRefused) {
  std::string error;
  EXPECT_FALSE(Key::from_pem("", error));
  EXPECT_THAT(error, HasSubstr("no public key in PEM"));
  EXPECT_FALSE(Key::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", error));
  std::string cut = issuer_of(Algorithm::kEs256).pem();
  EXPECT_FALSE(Key::from_pem(cut.substr(0, cut.size() / 2), error));
  EXPECT_FALSE(Key::from_pem(make_rs256(1024)->pem(), error));
  EXPECT_THAT(error, HasSubstr("2048"));
}

// ---- The form -------------------------------------------------------------------------------------------------------

TEST(Token, Base64urlHasOneForm) {
  EXPECT_EQ(from_base64url(""), "");
  EXPECT_EQ(from_base64url("AA"), std::string(1, '\0'));
  EXPECT_EQ(from_base64url("-_8"), "\xfb\xff");
  EXPECT_EQ(from_base64url("YWJj"), "abc");
  for (const char* const bad : {"A", "AAAAA", "AB", "AAB", "AA==", "AA=", "+/", "a b", "AA\n", "AA.", "\xc3\xa4"}) {
    EXPECT_EQ(from_base64url(bad), std::nullopt) << bad;
  }
}

TEST(Token, WhatIsNoTokenIsRefusedWithTheReason) {
  const auto issuer = make_hs256(kSecret);
  const KeySet keys = key_set(json::array({issuer->jwk()}));
  const std::string deep = R"({"alg":"HS256","x":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  const std::pair<std::string, const char*> cases[] = {
      {"", "three parts"},
      {"a.b", "three parts"},
      {"a.b.c.d", "three parts"},
      {"..", "no JSON object"},
      {"*.e30.e30", "not base64url"},
      {"e30.e3.e30", "not base64url"},
      {"e30.e30.e30", "no alg"},
      {issuer->token_of("[]", "{}"), "no JSON object"},
      {issuer->token_of("null", "{}"), "no JSON object"},
      {issuer->token_of(R"({"alg":"HS256"} x)", "{}"), "no JSON object"},
      {issuer->token_of(R"({"alg":"none","alg":"HS256"})", "{}"), "no JSON object"},
      {issuer->token_of(deep, "{}"), "no JSON object"},
      {issuer->token_of(R"({"alg":["HS256"]})", "{}"), "no alg"},
      {issuer->token_of("{\"alg\":\"HS256\",\"x\":\"\xff\"}", "{}"), "no JSON object"},
      {issuer->token({}, {{"crit", {"exp"}}}), "demands extensions"},
      {issuer->token({}, {{"crit", {"b64"}}, {"b64", false}}), "demands extensions"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(why_refused(keys, text), HasSubstr(expected)) << text;
  EXPECT_EQ(why_refused(keys, issuer->token({}, {{"jku", "http://mallory"}, {"typ", "JWT"}})), "") << "not followed";
}

TEST(Token, APayloadThatIsNoObjectIsRefused) {
  const auto issuer = make_hs256(kSecret);
  for (const std::string payload : {"", "[]", "5", "\"x\"", "{", "{}x", R"({"a":1,"a":2})", R"({"a":1e999})", "nul"}) {
    const char* why = "";
    const std::string text = issuer->token_of(R"({"alg":"HS256"})", payload);
    const auto token = parse_token(text, why);
    ASSERT_TRUE(token) << why;
    EXPECT_EQ(parse_claims(*token, why), std::nullopt) << payload;
    EXPECT_STRNE(why, "");
  }
}

}  // namespace
}  // namespace auth_jwt::testing
