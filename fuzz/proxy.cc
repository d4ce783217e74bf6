// PROXY headers, arbitrary and almost right: every beginning of one is "not whole yet", whatever follows changes
// nothing, and a stream at arbitrary cuts takes exactly the header off. Layout: cuts, bytes.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "broker/base/log.h"
#include "broker/mqtt/topic.h"
#include "broker/net/descriptor.h"
#include "broker/net/proxy_header.h"
#include "broker/net/proxy_stream.h"
#include "fuzz/input.h"

namespace mortise::net {
namespace {

using Status = Transfer::Status;
using Header = Result<std::optional<ProxyHeader>>;

void must(bool holds) {
  if (!holds) std::abort();
}

bool is_same(const std::optional<ProxyHeader::Address>& one, const std::optional<ProxyHeader::Address>& other) {
  return one.has_value() == other.has_value() && (!one || (one->host == other->host && one->port == other->port));
}

void check_header(const ProxyHeader& header, ByteView bytes) {
  must(header.size > 0 && header.size <= kLongestProxyHeader && header.size <= bytes.size());
  must(header.source.has_value() == header.destination.has_value());
  for (const auto& address : {header.source, header.destination}) {
    if (address) must(mqtt::is_valid_utf8(address->host) && address->host.find('\0') == std::string::npos);
  }
  if (header.common_name) must(mqtt::is_valid_utf8(*header.common_name) && header.source.has_value());
}

/// What the whole input says, and that every beginning of it says the same or nothing.
Header read_everywhere(ByteView bytes) {
  Header whole = read_proxy_header(bytes);
  if (whole && *whole) check_header(**whole, bytes);
  const std::size_t step = bytes.size() < 300 ? 1 : 13;
  bool has_decided = false;
  for (std::size_t size = 0; size <= bytes.size(); size += step) {
    const Header part = read_proxy_header(bytes.first(size));
    if (part && !*part) {
      must(!has_decided && !(whole && *whole && size >= (**whole).size));
      continue;
    }
    has_decided = true;
    must(static_cast<bool>(part) == static_cast<bool>(whole) && (!part || *whole));
    if (!part) continue;
    must((**part).size == (**whole).size && size >= (**part).size && (**part).common_name == (**whole).common_name &&
         is_same((**part).source, (**whole).source) && is_same((**part).destination, (**whole).destination));
  }
  return whole;
}

/// The same over a socket.
class Passed {
 public:
  Passed() {
    std::array<int, 2> ends{};
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }
  /// How reading ends once all is there.
  Status hear(ByteView bytes, const std::vector<std::uint8_t>& cuts) {
    Status last = Status::kWouldBlock;
    for (std::size_t number = 0; !bytes.empty() && last == Status::kWouldBlock; ++number) {
      const std::size_t size = cuts.empty() ? bytes.size() : std::min(bytes.size(), cuts[number % cuts.size()] + 1ul);
      must(::send(theirs_.get(), bytes.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
      bytes = bytes.subspan(size);
      last = read();
    }
    return last;
  }
  std::string decoded;
  ProxyStream stream{nullptr};

 private:
  Status read() {
    std::array<std::uint8_t, 4096> room;
    for (;;) {
      const Transfer read = stream.read(ours_.get(), room);
      decoded += as_text(ByteView(room).first(read.bytes));
      if (read.status != Status::kDone) return read.status;
    }
  }
  Descriptor ours_, theirs_;
};

void run_input(const std::uint8_t* bytes, std::size_t size) {
  fuzz::InputView in(bytes, size);
  std::vector<std::uint8_t> cuts(in.byte() % 8);
  for (std::uint8_t& cut : cuts) cut = in.byte();
  const std::string_view input = in.text(4096);
  const Header header = read_everywhere(as_bytes(input));

  Passed passed;
  const Status end = passed.hear(as_bytes(input), cuts);
  must(end == (header ? Status::kWouldBlock : Status::kFailed));
  const bool is_whole = header && *header;
  must(passed.decoded == (is_whole ? input.substr((**header).size) : std::string_view()));
  must(passed.stream.has_introduction() == is_whole);
  core::PeerInfo peer;
  passed.stream.introduce(peer);
  if (is_whole && (**header).source) must(peer.peer_address == (**header).source->host);
  must((peer.certificate != nullptr) == (is_whole && (**header).common_name.has_value()));
}

}  // namespace
}  // namespace mortise::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const bool is_quiet = [] {
    mortise::set_log_sink([](mortise::LogLevel, std::string_view, std::string_view) {}, mortise::LogLevel::kError);
    return true;
  }();
  static_cast<void>(is_quiet);
  mortise::net::run_input(bytes, size);
  return 0;
}
