#include "broker/session/topic_alias.h"

namespace mortise::session {

using mqtt::ReasonCode;
using mqtt::Refusal;

Result<std::string_view, Refusal> TopicAliases::resolve(std::string_view topic, bool has_alias, std::uint32_t alias,
                                                        std::uint16_t maximum) {
  if (!has_alias) {
    if (topic.empty())
      return failure(
          Refusal{ReasonCode::kProtocolError, "5.0 3.3.2.3.4", "a PUBLISH without Topic Name and Topic Alias"});
    return topic;
  }
  if (alias == 0) return failure(Refusal{ReasonCode::kTopicAliasInvalid, "MQTT-3.3.2-8", "Topic Alias 0"});
  if (alias > maximum) {
    return failure(
        Refusal{ReasonCode::kTopicAliasInvalid, "MQTT-3.3.2-9", "a Topic Alias above the Topic Alias Maximum"});
  }
  if (!topic.empty()) {
    if (topics_.size() < alias) topics_.resize(alias);
    topics_[alias - 1].assign(topic);
    return topic;
  }
  if (topics_.size() < alias || topics_[alias - 1].empty()) {
    return failure(Refusal{ReasonCode::kProtocolError, "5.0 3.3.2.3.4", "a Topic Alias that was never set"});
  }
  return std::string_view(topics_[alias - 1]);
}

}  // namespace mortise::session
