#include "broker/base/shared_bytes.h"
#include "broker/hooks/affix.h"
#include "broker/hooks/requests.h"
#include "broker/routing/match_result.h"

using mortise::hooks::AccessRequestPtr;
using mortise::hooks::Affix;
using mortise::hooks::AffixPtr;
using mortise::hooks::ConnectRequestPtr;
using mortise::mqtt::Principal;
using mortise::mqtt::PrincipalPtr;

void use(const PrincipalPtr& principal, const AccessRequestPtr& access, const ConnectRequestPtr& connect,
         const AffixPtr& affix, const mortise::SharedBytes& bytes, const mortise::routing::MatchResultPtr& targets) {
  (void)principal->client_id.size();
#if BREAK == 1
  // error: no match for .operator=|no viable overloaded '='|discards qualifiers
  principal->client_id = "somebody else";
#elif BREAK == 2
  // error: no matching (member )?function
  principal->client_id.append("x");
#elif BREAK == 3
  // error: read-only|not assignable|returns a const value|cannot assign
  principal->epoch = 7;
#elif BREAK == 4
  // error: conversion from|no viable conversion
  std::shared_ptr<Principal> mine = principal;
#elif BREAK == 5
  // error: no match for .operator=|no viable overloaded '='|discards qualifiers
  access->topic = "another";
#elif BREAK == 6
  // error: discards qualifiers|no viable overloaded '='|no match for
  access->principal = nullptr;
#elif BREAK == 7
  // error: discards qualifiers|no viable overloaded '='|no match for
  connect->user_name = "somebody else";
#elif BREAK == 8
  // error: discards qualifiers|no viable overloaded '='|no match for
  affix->prefix() = "another/";
#elif BREAK == 9
  // error: private
  Affix unchecked("#", "", 15, 1);
#elif BREAK == 10
  // error: read-only|not assignable|returns a const value
  bytes.view()[0] = 1;
#elif BREAK == 11
  // error: read-only|not assignable|returns a const value|cannot assign
  targets->entries()[0].subscription_identifier = 1;
#endif
}
