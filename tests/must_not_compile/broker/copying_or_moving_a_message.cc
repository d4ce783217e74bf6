#include <vector>

#include "broker/mqtt/message.h"

using mortise::mqtt::Message;
using mortise::mqtt::MessagePtr;

void use(const MessagePtr& message, std::vector<MessagePtr>& queue) {
  queue.push_back(message);
#if BREAK == 1
  // error: deleted (function|constructor|copy constructor).*Message
  Message copy = *message;
#elif BREAK == 2
  // error: deleted (function|constructor|copy constructor).*Message
  Message moved = static_cast<Message&&>(const_cast<Message&>(*message));
#elif BREAK == 3
  // error: deleted|private
  std::vector<Message> messages(1, *message);
#elif BREAK == 4
  // error: deleted (function|operator|member function).*|overload resolution selected deleted operator
  const_cast<Message&>(*message) = *message;
#elif BREAK == 5
  // error: private
  Message made;
#elif BREAK == 6
  // error: private
  delete message.get();
#endif
}
