#include <gtest/gtest.h>

#include <mortise/password.hpp>

namespace mortise::password {
namespace {

std::string error;

// RFC 7677 section 3: user "user", password "pencil", its salt and 4096 iterations. The keys below are what its client
// proof and server signature are computed from; the test recomputes both.
Verifier rfc7677() {
  Verifier verifier;
  verifier.iterations = 4096;
  verifier.salt = *detail::from_base64("W22ZaJ0SNY7soEsUEjb6gQ==");
  EXPECT_TRUE(detail::derive("pencil", verifier));
  return verifier;
}

const char* const kAuthMessage =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i="
    "4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

TEST(Password, the_server_key_signs_as_in_the_example_of_rfc_7677) {
  Sha256 signature{};
  ASSERT_TRUE(detail::hmac_sha256(rfc7677().server_key, kAuthMessage, signature));
  EXPECT_EQ(detail::base64(signature.data(), signature.size()), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Password, the_stored_key_accepts_the_client_proof_in_the_example_of_rfc_7677) {
  const Verifier verifier = rfc7677();
  Sha256 signature{};
  ASSERT_TRUE(detail::hmac_sha256(verifier.stored_key, kAuthMessage, signature));
  const std::string proof = *detail::from_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  std::string client_key(32, '\0');
  for (std::size_t i = 0; i < 32; ++i) {
    client_key[i] = static_cast<char>(static_cast<unsigned char>(proof[i]) ^ signature[i]);
  }
  Sha256 hashed{};
  ASSERT_EQ(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), detail::bytes_of(client_key), 32, hashed.data()),
            0);
  EXPECT_EQ(hashed, verifier.stored_key);
}

TEST(Password, a_verifier_accepts_its_password_and_no_other) {
  const auto verifier = make_verifier("correct horse", 100);
  ASSERT_TRUE(verifier);
  EXPECT_TRUE(check("correct horse", *verifier));
  EXPECT_FALSE(check("correct horsf", *verifier));
  EXPECT_FALSE(check("correct hors", *verifier));
  EXPECT_FALSE(check("", *verifier));
}

TEST(Password, any_bytes_can_be_a_password) {
  for (const std::string& password : {std::string(), std::string("\0\xFF\n:$", 5), std::string(70'000, 'x')}) {
    const auto verifier = make_verifier(password, 10);
    ASSERT_TRUE(verifier);
    EXPECT_TRUE(check(password, *verifier));
    EXPECT_FALSE(check(password + "x", *verifier));
  }
}

TEST(Password, two_verifiers_of_one_password_differ) {
  EXPECT_NE(format(*make_verifier("same", 10)), format(*make_verifier("same", 10)));
}

TEST(Password, the_text_form_reads_back_as_it_was) {
  const auto verifier = make_verifier("secret", 4096);
  const auto read = parse(format(*verifier), error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(format(*read), format(*verifier));
  EXPECT_EQ(read->iterations, 4096u);
  EXPECT_TRUE(check("secret", *read));
}

TEST(Password, broken_verifiers_are_refused_with_a_reason) {
  const std::string good = format(*make_verifier("secret", 4096));
  for (const std::string& text :
       {std::string(), std::string("plain"), "SCRAM-SHA-1" + good.substr(13), good.substr(0, 40),
        "SCRAM-SHA-256$0:" + good.substr(19), "SCRAM-SHA-256$99999999:" + good.substr(19),
        "SCRAM-SHA-256$4x:" + good.substr(19), good + "x", good.substr(0, good.size() - 4),
        std::string("SCRAM-SHA-256$4096:$a:b"), "SCRAM-SHA-256$4096:!!!!" + good.substr(23)}) {
    error.clear();
    EXPECT_FALSE(parse(text, error)) << text;
    EXPECT_FALSE(error.empty()) << text;
  }
}

TEST(Password, every_prefix_of_a_verifier_is_refused) {
  const std::string good = format(*make_verifier("secret", 4096));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse(good.substr(0, size), error)) << size;
}

TEST(Password, iterations_out_of_range_make_no_verifier) {
  EXPECT_FALSE(make_verifier("x", 0));
  EXPECT_FALSE(make_verifier("x", kMaximumIterations + 1));
}

TEST(Password, user_names_of_any_kind_survive_escaping) {
  for (const std::string& user :
       {std::string("alice"), std::string("a:b%c#d"), std::string("#"), std::string("line\nbreak\r\t"),
        std::string("%41"), std::string("日本 語"), std::string(), std::string("O'Hara \"x\" \\")}) {
    const std::string text = escape_user(user);
    EXPECT_EQ(text.find_first_of(":#\n\r"), std::string::npos) << text;
    EXPECT_EQ(unescape_user(text), user);
  }
}

TEST(Password, a_percent_sign_without_two_digits_is_no_user_name) {
  for (const char* text : {"%", "a%4", "%zz", "%4"}) EXPECT_FALSE(unescape_user(text)) << text;
}

}  // namespace
}  // namespace mortise::password
