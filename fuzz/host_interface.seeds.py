"""Writes corpus/host_interface/ and dict/host_interface.dict: short plays, and their parts, in the bytes that host_interface.cc reads. Run it after changing what the target reads.

A play is a list of steps; what each byte means is in host_interface.cc (step, enter, draw_...).
"""
import pathlib

FUNCTIONS = [
    "log", "fail", "retain", "release", "now_wall_ms", "now_steady_ms", "counter_add", "get_u64", "get_bytes", "get_count", "get_pair",
    "get_child", "copy", "map", "config_get", "config_count", "config_key", "decide_auth", "decide_access", "decide_bind", "decide_exchange", "create",
    "complete_auth", "complete_access", "complete_bind", "complete_exchange", "publish", "disconnect", "invalidate", "set_timer", "cancel_timer", "emit"]
FIELDS = 80
CALL, SELF_A, SELF_B, TOKEN, NULL = b"\x40", b"\x78", b"\x79", b"\x90", b"\x00"
RIGHT_SIZE = b"\x00"
NO_MEMBERS = b"\x00"
TEXT_NAME = b"\x2e"  # "name_1"
TEXT_TOPIC = b"\x28"  # "a/b"
GO_ON, RETURN_OK = b"\x00", b"\xff\x00"
ASK = {"authenticate": 0, "authorize": 1, "bind": 2, "events": 3, "commit": 4, "load": 5, "fetch": 6, "timer": 7, "start": 8, "loop": 9, "exchange": 10, "exchange_ended": 11}


def call(function, arguments=b""):
    return bytes([FUNCTIONS.index(function)]) + arguments


def inside(point, *steps, tail=RETURN_OK, instance=b"\x00", loop=b"\x00", before=b""):
    head = bytes([200, ASK[point]]) + before
    head += instance + (loop if point in ("authenticate", "authorize", "bind", "exchange") else b"")
    return head + b"".join(GO_ON + step for step in steps) + tail


def decision(kind, verdict, operations=b""):
    return call(f"decide_{kind}", CALL + RIGHT_SIZE + bytes([verdict]) + operations + NO_MEMBERS + b"\x01")


def complete(kind, verdict, operations=b""):
    return call(f"complete_{kind}", SELF_A + TOKEN + RIGHT_SIZE + bytes([verdict]) + operations + NO_MEMBERS + b"\x01")


def read_everything(point, **options):
    steps = []
    for function in ("get_u64", "get_bytes", "get_count", "map"):
        steps += [call(function, CALL + b"\x00" + bytes([field])) for field in range(FIELDS)]
    return inside(point, *steps, **options)


ALLOW, DENY, NEXT, PENDING, BOUND, CONTINUE = 1, 2, 3, 4, 5, 6
CREATE = call("create", CALL + b"\x05")
PLAYS = {
    "allow": inside("authenticate", decision("auth", ALLOW)),
    "deny-topic": inside("authorize", decision("access", DENY)),
    "bind": inside("bind", decision("bind", BOUND, b"\x0f")),
    "pending": inside("authenticate", CREATE, decision("auth", PENDING)) + complete("auth", ALLOW),
    "pending-early": inside("authorize", CREATE, complete("access", ALLOW), decision("access", PENDING)),
    "pending-bind-expires": inside("bind", CREATE, decision("bind", PENDING)) + b"\xe6\x00" + complete("bind", NEXT),
    "pending-cancelled": inside("authenticate", CREATE, decision("auth", PENDING)) + b"\xf0\x00" + complete("auth", ALLOW),
    "twice": inside("authenticate", decision("auth", ALLOW), decision("auth", DENY)),
    "throws": inside("authenticate", decision("auth", ALLOW), tail=b"\xff\xff"),
    "fails": inside("authorize", decision("access", ALLOW), tail=b"\xff\xc9"),
    "another-loop": inside("authenticate", CREATE, decision("auth", PENDING), instance=b"\x01", loop=b"\x01") + bytes([200, 9]),
    "retain": inside("authenticate", call("retain", CALL), decision("auth", NEXT)) + call("get_bytes", b"\xa0\x03\x00\x00")
    + call("release", SELF_A + b"\xa0\x03"),
    "nested": inside("authenticate", inside("authorize", call("get_u64", b"\xa0\x02\x00\x07"), decision("access", ALLOW)),
                     decision("auth", ALLOW)),
    "publish": inside("authorize", call("publish", CALL + RIGHT_SIZE + b"\x01\x00" + TEXT_TOPIC + TEXT_NAME + NO_MEMBERS + b"\x01"),
                      decision("access", ALLOW)),
    "exchange": inside("exchange", decision("exchange", CONTINUE)),
    "exchange-pending": inside("exchange", CREATE, decision("exchange", PENDING)) + complete("exchange", ALLOW),
    "exchange-ended": inside("exchange_ended", call("get_u64", CALL + b"\x00\x5a")),
    "events": inside("events", call("get_child", CALL + b"\x00\x39\x01"), call("retain", b"\xa0\x03"), before=b"\x02"),
    "config": inside("start", call("config_get", CALL + TEXT_NAME), call("fail", CALL + TEXT_NAME)),
    "emit": inside("load", call("emit", CALL + b"\x28" + (b"\x28\x00\x00\x00\x11\x00\x01\x00" + bytes(32)))),
    "emit-fetch": inside("fetch", call("emit", CALL + b"\x28" + (b"\x28\x00\x00\x00\x07\x00\x01\x00" + bytes(32)))),
    "timer": inside("timer", call("cancel_timer", CALL + b"\x01")),
    "read-connect": read_everything("authenticate"),
    "read-access": read_everything("authorize"),
    "read-exchange": read_everything("exchange"),
    "read-commit": read_everything("commit"),
    "outside": b"".join(call(function) for function in FUNCTIONS),
}


WORDS = {f"call_{function}": call(function, CALL) for function in FUNCTIONS}
WORDS |= {f"ask_{point}": bytes([200, ask]) for point, ask in ASK.items()}
WORDS |= {f"decide_{kind}_{verdict}": decision(kind, verdict) for kind in ("auth", "access", "bind", "exchange") for verdict in (ALLOW, PENDING, BOUND)}
WORDS |= {f"complete_{kind}": complete(kind, ALLOW) for kind in ("auth", "access", "bind", "exchange")}
WORDS |= {"create": CREATE, "return_ok": RETURN_OK, "throw": b"\xff\xff", "last_handle": b"\xa0\x03"}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "host_interface"
    folder.mkdir(parents=True, exist_ok=True)
    for name, play in PLAYS.items():
        (folder / name).write_bytes(b"\x00" + play)  # the first byte: which action authorize is asked about
    lines = ['%s="%s"' % (name, "".join("\\x%02x" % byte for byte in word)) for name, word in WORDS.items()]
    head = "# Steps of host_interface.cc; written by host_interface.seeds.py.\n\n"
    (pathlib.Path(__file__).parent / "dict" / "host_interface.dict").write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
