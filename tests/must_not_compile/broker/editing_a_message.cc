#include "broker/mqtt/message.h"

using mortise::Ref;
using mortise::mqtt::Message;
using mortise::mqtt::MessagePtr;

MessagePtr use(const MessagePtr& message) {
#if BREAK == 1
  // error: no member named 'set_topic'|has no member named .set_topic.
  message->set_topic("another");
#elif BREAK == 2
  // error: read-only|not assignable|returns a const value
  message->topic()[0] = 'x';
#elif BREAK == 3
  // error: read-only|not assignable|returns a const value
  *message->topic().data() = 'x';
#elif BREAK == 4
  // error: read-only|not assignable|returns a const value
  message->payload()[0] = 1;
#elif BREAK == 5
  // error: invalid conversion from|cannot initialize a variable of type
  std::uint8_t* payload = message->payload().data();
#elif BREAK == 6
  // error: private
  message->topic_ = "another";
#elif BREAK == 7
  // error: not assignable|lvalue required
  message->qos() = mortise::mqtt::QoS::kExactlyOnce;
#elif BREAK == 8
  // error: conversion from|no viable conversion
  Ref<Message> mutable_message = message;
#elif BREAK == 9
  // error: invalid conversion from|cannot initialize a variable of type
  Message* mutable_message = message.get();
#elif BREAK == 10
  // error: invalid conversion from|cannot initialize a parameter|no matching function|could not convert|no match for
  message->properties().for_each_encoded([](mortise::mqtt::PropertyId, std::span<std::uint8_t>) {});
#endif
  return message->with_topic("another");
}
