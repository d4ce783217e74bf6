#include "scram.h"

#include <gtest/gtest.h>

#include "scram_client.h"

namespace auth_file::scram {
namespace {

namespace password = mortise::password;
using testing::ScramClient;

constexpr std::string_view kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

/// The verifier of the example in RFC 7677 section 3.
password::Verifier pencil() {
  password::Verifier verifier;
  verifier.iterations = 4096;
  verifier.salt = *password::detail::from_base64(kSalt);
  EXPECT_TRUE(password::detail::derive("pencil", verifier));
  return verifier;
}

std::optional<ClientFirstView> first_of(std::string_view message, std::string* reason = nullptr) {
  const char* why = "";
  auto first = parse_client_first(message, why);
  if (reason != nullptr) *reason = why;
  return first;
}

Exchange exchange_of(std::string_view message, bool is_known = true) {
  return {*first_of(message), pencil(), is_known, std::string(kServerNonce)};
}

bool accepts(const Exchange& exchange, std::string_view message) {
  const char* why = "";
  return exchange.finish(message, why).has_value();
}

TEST(ScramTest, TheExampleOfTheSpecificationHoldsByteForByte) {
  const Exchange exchange = exchange_of("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(exchange.user(), "user");
  EXPECT_EQ(exchange.challenge(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const char* why = "";
  EXPECT_EQ(exchange.finish("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                            why),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(ScramTest, OnlyWhoKnowsThePasswordIsAccepted) {
  for (const char* const guess : {"pencil", "Pencil", "", "pencil "}) {
    ScramClient client("user", guess);
    const Exchange exchange = exchange_of(client.first());
    EXPECT_EQ(accepts(exchange, client.final(exchange.challenge())), std::string_view(guess) == "pencil") << guess;
  }
}

TEST(ScramTest, AnUnknownUserIsNotAcceptedWhateverItProves) {
  ScramClient client("user", "pencil");
  const Exchange exchange = exchange_of(client.first(), false);
  EXPECT_FALSE(accepts(exchange, client.final(exchange.challenge())));
}

TEST(ScramTest, AProofIsGoodForItsOwnNonceOnly) {
  ScramClient client("user", "pencil");
  const Exchange earlier = exchange_of(client.first());
  const std::string replayed = client.final(earlier.challenge());
  const Exchange exchange(*first_of(client.first()), pencil(), true, make_nonce());
  EXPECT_FALSE(accepts(exchange, replayed));
  // A nonce the client made up, with a proof over it.
  EXPECT_FALSE(accepts(exchange, client.final(exchange.challenge(), "clientnonce")));
  EXPECT_TRUE(accepts(exchange, client.final(exchange.challenge())));
}

TEST(ScramTest, NoncesDifferAndHoldNoComma) {
  const std::string one = make_nonce();
  EXPECT_EQ(one.size(), 24u);
  EXPECT_EQ(one.find(','), std::string::npos);
  EXPECT_NE(one, make_nonce());
}

TEST(ScramTest, TheGs2HeaderIsTakenAsItStandsAndProvedInTheEnd) {
  for (const std::string header : {"n,,", "y,,", "n,a=user,"}) {
    ScramClient client("user", "pencil", "abc", header);
    const Exchange exchange = exchange_of(client.first());
    EXPECT_TRUE(accepts(exchange, client.final(exchange.challenge()))) << header;
  }
  // Somebody in between changed y to n: what the client proves is not what arrived.
  ScramClient client("user", "pencil", "abc", "y,,");
  const Exchange exchange = exchange_of("n,,n=user,r=abc");
  EXPECT_FALSE(accepts(exchange, client.final(exchange.challenge())));
}

TEST(ScramTest, UserNamesAreUnescaped) {
  const auto user_of = [](std::string_view name) {
    const auto first = first_of("n,,n=" + std::string(name) + ",r=abc");
    return first ? first->user : std::string("refused");
  };
  EXPECT_EQ(user_of("a=2Cb=3Dc"), "a,b=c");
  EXPECT_EQ(user_of("=3D2C"), "=2C") << "once";
  EXPECT_EQ(user_of("ユーザー"), "ユーザー");
  EXPECT_EQ(user_of(std::string(kMaximumUser, 'x')), std::string(kMaximumUser, 'x'));
  for (const std::string& name :
       {std::string("="), std::string("a="), std::string("=2"), std::string("=2c"), std::string("=2A"), std::string(),
        std::string("a\0b", 3), std::string("\xC3("), std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"),
        std::string("\xE0\x80\x80"), std::string("\xF0\x80\x80\x80"), std::string("\xC0\x80"), std::string("\xE2\x82"),
        std::string(kMaximumUser + 1, 'x')}) {
    EXPECT_EQ(user_of(name), "refused") << ::testing::PrintToString(name);
  }
}

TEST(ScramTest, AFirstMessageIsWellFormedOrRefused) {
  for (const char* const good : {"n,,n=user,r=abc", "y,,n=user,r=abc", "n,a=user,n=user,r=abc",
                                 "n,,n=user,r=abc,x=1,Y=2", "n,a=a=2Cb,n=a=2Cb,r=!~"}) {
    EXPECT_TRUE(first_of(good)) << good;
  }
  const std::pair<std::string, std::string> bad[] = {
      {"", "no GS2 header"},
      {"n", "no GS2 header"},
      {"n,", "no GS2 header"},
      {"x,,n=user,r=abc", "no GS2 header"},
      {"n=user,r=abc", "no GS2 header"},
      {"p=tls-unique,,n=user,r=abc", "channel binding is not offered"},
      {"n,,", "no proper user name"},
      {"n,,r=abc", "no proper user name"},
      {"n,,n=user", "no proper nonce"},
      {"n,,n=user,", "no proper nonce"},
      {"n,,n=user,r=", "no proper nonce"},
      {"n,,n=user,r=a b", "no proper nonce"},
      {"n,,n=user,r=\x7F", "no proper nonce"},
      {"n,,n=user,r=" + std::string(kMaximumNonce + 1, 'x'), "no proper nonce"},
      {"n,,m=1,n=user,r=abc", "a mandatory extension"},
      {"n,,n=user,r=abc,", "something else behind the nonce"},
      {"n,,n=user,r=abc,x", "something else behind the nonce"},
      {"n,,n=user,r=abc,1=2", "something else behind the nonce"},
      {"n,,n=user,r=abc,x=", "something else behind the nonce"},
      {"n,,n=user,r=abc,x=1,", "something else behind the nonce"},
      {"n,a=other,n=user,r=abc", "an authorization identity that is not the user"},
      {"n,user,n=user,r=abc", "an authorization identity that is not the user"},
      {"n,a==2,n=user,r=abc", "an authorization identity that is not the user"},
      {"n,,n=user,r=abc,x=" + std::string(kMaximumMessage, 'x'), "the first message is too long"},
  };
  for (const auto& [message, reason] : bad) {
    std::string why;
    EXPECT_FALSE(first_of(message, &why)) << message;
    EXPECT_EQ(why, reason) << message;
  }
}

TEST(ScramTest, ALastMessageIsWellFormedOrRefused) {
  const std::string proof = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const char* why = "";
  EXPECT_TRUE(parse_client_final("c=biws,r=abc" + proof, why));
  EXPECT_TRUE(parse_client_final("c=biws,r=abc,x=1" + proof, why));
  const std::pair<std::string, std::string> bad[] = {
      {"", "no proof"},
      {"c=biws,r=abc", "no proof"},
      {"p=AAAA", "no proof"},
      {proof, "no proper channel binding"},
      {"c=biws,r=abc,p=", "no proper proof"},
      {"c=biws,r=abc,p=AAAA", "no proper proof"},
      {"c=biws,r=abc,p=!!!!", "no proper proof"},
      {"c=biws,r=abc" + proof + ",x=1", "no proper proof"},
      {"r=abc,c=biws" + proof, "no proper channel binding"},
      {"c=***,r=abc" + proof, "no proper channel binding"},
      {"c=biws" + proof, "no proper nonce"},
      {"c=biws,r=" + proof, "no proper nonce"},
      {"c=biws,r=abc," + proof, "something else behind the nonce"},
      {"c=biws,r=abc,x" + proof, "something else behind the nonce"},
      {"c=biws,r=" + std::string(kMaximumMessage, 'x') + proof, "the last message is too long"},
  };
  for (const auto& [message, reason] : bad) {
    EXPECT_FALSE(parse_client_final(message, why)) << message;
    EXPECT_EQ(why, reason) << message;
  }
}

TEST(ScramTest, EveryByteOfAProofCounts) {
  ScramClient client("user", "pencil");
  const Exchange exchange = exchange_of(client.first());
  const std::string right = client.final(exchange.challenge());
  ASSERT_TRUE(accepts(exchange, right));
  const std::size_t at = right.find(",p=") + 3;
  const std::string proof = *password::detail::from_base64(std::string_view(right).substr(at));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    std::string wrong = proof;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_FALSE(accepts(
        exchange, right.substr(0, at) + password::detail::base64(password::detail::bytes_of(wrong), wrong.size())))
        << i;
  }
}

}  // namespace
}  // namespace auth_file::scram
