#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Bad requests and bad clients: each gets an error that names what is wrong, nothing is half applied, and the daemon goes
on unharmed."""

import copy
import json
import random
import resource
import select
import socket

from control import Daemon, Report, base_config, enter_namespace, finish, wait_for

KEY = "c0ffee" + "00" * 17  # of aes-gcm-16, with salt
SA = {"direction": "out", "spi": "0x1001", "source": "192.0.2.1", "destination": "192.0.2.2", "reqid": 1,
      "encryption": {"algorithm": "aes-gcm-16", "key": KEY}}
IN = SA | {"direction": "in", "source": "192.0.2.2", "destination": "192.0.2.1"}
POLICY = {"direction": "out", "action": "protect", "reqid": 1,
          "selector": {"source": "10.1.0.0/24", "destination": "10.2.0.0/24"}}
CBC = {"algorithm": "aes-cbc", "key": "c0ffee" + "00" * 13}
HMAC = {"algorithm": "hmac-sha2-256-128", "key": "c0ffee" + "00" * 29}
INVALID = -32602
GONE = object()  # as a value: the member is left out


def change(base, changes):
    """base with members set, or left out; a name may be a path."""
    result = copy.deepcopy(base)
    for path, value in changes.items():
        *outer, name = path.split(".")
        place = result
        for part in outer:
            place = place[part]
        if value is GONE:
            del place[name]
        else:
            place[name] = value
    return result


def sa(where, _base=None, **changes):
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    return "sa.add", change(_base or SA, changes), INVALID, where


def policy(where, **changes):
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    return "policy.add", change(POLICY, changes), INVALID, where


# Method, parameters, the error's code, and the parameter that it names (None: it names none).
REQUESTS = [
    *(sa("spi", spi=spi) for spi in
      ([1], {}, "abc", "", "0x", -1, 1.5, 4294967296, 1e30, "0x100000000", "-1", "99999999999999999999999", True, None, 0,
       255)),
    sa("spi", spi=GONE),
    sa("colour", colour="red"),
    sa("direction", direction=GONE),
    sa("direction", direction="sideways"),
    sa("direction", direction=1),
    sa("destination", destination="192.0.2.256"),
    sa("destination", destination="192.0.2.2/24"),
    sa("destination", destination=5),
    sa("destination", destination="x" * 100000),
    sa("destination", destination="224.0.0.1"),
    sa("source", source="2001:db8::zz"),
    sa("source", source=GONE),
    sa("destination", source="2001:db8::1"),
    sa("protocol", protocol="ipcomp"),
    sa("encryption.algorithm", protocol="ah"),
    sa("mode", mode="beet"),
    sa("reqid", reqid=0),
    sa("reqid", reqid=-5),
    sa("reqid", reqid="many"),
    sa("name", name="n" * 32),
    sa("name", name="line\nbreak"),
    sa("name", name=7),
    sa("encryption", encryption=GONE),
    sa("encryption", encryption="aes-gcm-16"),
    sa("encryption.algorithm", encryption__algorithm="rot13"),
    sa("encryption.algorithm", encryption__algorithm=GONE),
    sa("encryption.algorithm", encryption__algorithm=["aes-gcm-16"]),
    sa("encryption.key", encryption__key=KEY[:-2]),
    sa("encryption.key", encryption__key=KEY + "00"),
    sa("encryption.key", encryption__key=KEY[:-1]),
    sa("encryption.key", encryption__key=KEY[:-1] + "g"),
    sa("encryption.key", encryption__key=""),
    sa("encryption.key", encryption__key=GONE),
    sa("encryption.key", encryption__key=12345),
    sa("encryption.key", encryption__key="c0ffee" * 1000),
    sa("encryption.salt", encryption__salt="00000000"),
    sa("integrity", integrity=HMAC),
    sa("integrity", encryption=CBC),
    sa("integrity.algorithm", encryption=CBC, integrity=HMAC | {"algorithm": "md5"}),
    sa("integrity.key", encryption=CBC, integrity=HMAC | {"key": "c0ffee"}),
    sa("esn", esn="yes"),
    sa("esn", esn=1),
    sa("df", df="maybe"),
    sa("dscp", dscp=64),
    sa("dscp", dscp="move"),
    sa("sequence", sequence="18446744073709551616"),
    sa("sequence", sequence=4294967296),
    sa("sequence", sequence=-1),
    sa("replay_window", IN, replay_window=1048577),
    sa("replay_window", IN, replay_window=5),
    sa("replay_window", IN, replay_window=0, esn=True),
    sa("replay_window", IN, replay_window="wide"),
    sa("replay_bitmap", IN, replay_window=64, sequence=9, replay_bitmap="00" * 9),
    sa("replay_bitmap", IN, replay_bitmap="xyz"),
    sa("replay_bitmap", replay_bitmap="01"),
    ("sa.delete", {"direction": "out", "spi": 4097, "destination": "192.0.2.9"}, 2, None),
    ("sa.delete", {"direction": "in", "spi": 4097}, INVALID, "destination"),
    ("sa.get", {"direction": "in", "spi": 4097, "destination": "192.0.2.9"}, 2, None),
    ("sa.get", {}, INVALID, "direction"),
    ("sa.list", {"limit": -1}, INVALID, "limit"),
    ("sa.list", {"direction": "both"}, INVALID, "direction"),
    ("sa.flush", {"limit": 1}, INVALID, "limit"),
    ("spi.allocate", {}, INVALID, "destination"),
    ("spi.allocate", {"destination": "192.0.2.1", "first": 10}, INVALID, "first"),
    ("spi.allocate", {"destination": "192.0.2.1", "first": 5000, "last": 4000}, INVALID, "first"),
    policy("action", action="allow"),
    policy("direction", direction="up"),
    policy("priority", priority=-1),
    policy("priority", priority=4294967296),
    policy("reqid", reqid=GONE),
    policy("reqid", action="bypass"),
    policy("selector", selector=GONE),
    policy("selector", selector="any"),
    policy("selector.source", selector__source=GONE),
    policy("selector.source", selector__source="10.1.0.1/24"),
    policy("selector.source", selector__source="10.1.0.9-10.1.0.1"),
    policy("selector.source", selector__source="10.1.0.0/33"),
    policy("selector.port", selector__port=80),
    policy("selector.protocol", selector__protocol="carrier-pigeon"),
    policy("selector.protocol", selector__protocol=256),
    policy("selector.source_port", selector__source_port=80),
    policy("selector.source_port", selector__protocol="tcp", selector__source_port="80-70"),
    policy("selector.destination_port", selector__protocol="tcp", selector__destination_port=65536),
    policy("selector.icmp_type", selector__protocol="tcp", selector__icmp_type=8),
    policy("selector.protocol", selector__protocol="icmpv6"),
    ("policy.delete", POLICY, INVALID, "action"),
    ("policy.delete", {"direction": "out", "selector": POLICY["selector"], "priority": 3}, 2, None),
    ("policy.get", {"direction": "in", "selector": POLICY["selector"]}, 2, None),
    ("policy.flush", {"builtin": "yes"}, INVALID, "builtin"),
    ("route.add", {"destination": "198.51.100.0/24", "gateway": "192.0.2.2", "port": "nowhere"}, 19, None),
    ("route.add", {"destination": "198.51.100.1/24", "gateway": "192.0.2.2", "port": "wan"}, INVALID, "destination"),
    ("route.add", {"destination": "198.51.100.0/24", "gateway": "2001:db8::1", "port": "wan"}, INVALID, "gateway"),
    ("route.add", {"destination": "198.51.100.0/24", "kind": "blackhole", "port": "wan"}, INVALID, "port"),
    ("route.add", {"destination": "198.51.100.0/24"}, INVALID, "port"),
    ("route.delete", {"destination": "203.0.113.0/24", "gateway": "192.0.2.2", "port": "wan"}, 2, None),
    ("neighbour.add", {"port": "nowhere", "address": "192.0.2.2", "mac": "02:00:00:00:00:02"}, 19, None),
    ("neighbour.add", {"port": "wan", "address": "192.0.2.2", "mac": "01:00:5e:00:00:02"}, INVALID, "mac"),
    ("neighbour.add", {"port": "wan", "address": "192.0.2.2", "mac": "02:00:00:00:00"}, INVALID, "mac"),
    ("neighbour.delete", {"port": "wan", "address": "192.0.2.77"}, 2, None),
    ("node.list", {"worker": 64}, 2, "worker"),
    ("node.list", {"worker": "first"}, INVALID, "worker"),
    ("event.subscribe", {"kinds": "sa"}, INVALID, "kinds"),
    ("event.subscribe", {"kinds": ["sa", "weather"]}, INVALID, "kinds"),
    ("status.get", {"verbose": True}, INVALID, "verbose"),
    ("method.list", {"x": {}}, INVALID, "x"),
    ("sa.eat", {}, -32601, None),
    ("", {}, -32601, None),
]

# Lines that are no request, and the error's code.
LINES = [
    (b"", -32700),
    (b"hello", -32700),
    (b"GET / HTTP/1.1\r", -32700),
    (b'{"jsonrpc":"2.0","method":"sa.flu', -32700),
    (b'{"jsonrpc":"2.0","method":"sa.flush","method":"status.get","id":1}', -32700),
    (b'{"jsonrpc":"2.0","method":"\xff\xfe","id":1}', -32700),
    (b'{"jsonrpc":"2.0","method":"sa.flush\\u0000","id":1}', -32700),
    (b'{"jsonrpc":"2.0","method":"sa.flush","params":{"reqid":1e999},"id":1}', -32700),
    (b"\x00" * 1000, -32700),
    (b"[" * 100000, -32700),
    (b'{"a":' * 100000, -32700),
    (b'"' + b"\\" * 99999, -32700),
    (b"null", -32600),
    (b"{}", -32600),
    (b"[]", -32600),
    (b'{"jsonrpc":"1.0","method":"sa.flush","id":1}', -32600),
    (b'{"jsonrpc":"2.0","method":"sa.flush","id":{}}', -32600),
    (b'{"jsonrpc":"2.0","method":"sa.flush","id":1,"extra":1}', -32600),
    (b'{"jsonrpc":"2.0","method":"sa.flush","params":[],"id":1}', INVALID),
    (b"[" + b"1," * 20000 + b"1]", -32600),
]


def state(line):
    """All that a request could change."""
    sas = line.call("sa.list")
    for entry in sas["sas"]:
        del entry["age_seconds"]
    return [sas, line.call("policy.list"), line.call("route.list"), line.call("neighbour.list")]


def check_requests(report, line):
    report.begin("requests with bad parameters")
    before = state(line)
    for method, params, code, where in REQUESTS:
        name = f"{method} {json.dumps(params)[:100]}"
        error = line.call(method, **params)
        report.check(name, error.get("code") == code and error["message"] and error.get("data", {}).get("where") == where,
                     lambda got=error, wanted=(code, where): f"expected code and place {wanted}\ngot {json.dumps(got)[:600]}")
    report.equal("nothing has changed", state(line), before)


def check_lines(report, line):
    report.begin("lines that are no requests")
    before = state(line)
    for text, code in LINES:
        reply = line.ask(text)
        report.check(repr(text[:60]), isinstance(reply, dict) and reply.get("error", {}).get("code") == code, lambda: reply)
    dice = random.Random(1)
    for _ in range(300):
        line.send(dice.randbytes(dice.randrange(1, 400)).replace(b"\n", b""))
        report.check("random bytes get an error", "error" in line.reply())
    report.equal("nothing has changed", state(line), before)


def check_duplicates(report, line):
    report.begin("two alike")
    report.equal("an SA", line.call("sa.add", **SA), {"added": 1})
    report.equal("the same SPI", line.call("sa.add", **change(SA, {"encryption.key": "c0ffee" + "01" * 17}))["code"], 17)
    report.equal("the same key", line.call("sa.add", **change(SA, {"spi": 4098}))["code"], 17)
    report.equal("a policy", line.call("policy.add", **POLICY), {"added": 1})
    report.equal("the same policy", line.call("policy.add", **POLICY)["code"], 17)
    report.equal("its equal written otherwise",
                 line.call("policy.add", **change(POLICY, {"selector.source": "10.1.0.0-10.1.0.255"}))["code"], 17)
    report.equal("one SA", line.call("sa.list")["total"], 1)


def batch_of(calls):
    return json.dumps([{"jsonrpc": "2.0", "method": method, "params": params, "id": number}
                       for number, (method, params) in enumerate(calls)])


def check_batches(report, line):
    report.begin("batches that are half bad")
    before = state(line)
    adds = [("sa.add", change(IN, {"spi": 10000 + i})) for i in range(2000)]
    replies = line.ask(batch_of(adds + [adds[0]]))
    report.equal("each of the good ones is told that it was not applied",
                 {reply["error"]["code"] for reply in replies[:-1]}, {125})
    report.equal("the bad one is told why", replies[-1]["error"]["code"], 17)
    report.equal("nothing has changed", state(line), before)
    mixed = [("policy.add", change(POLICY, {"priority": 7})), ("policy.delete", {"direction": "out", **{
        "selector": POLICY["selector"]}}), ("sa.flush", {}), ("neighbour.add", {
            "port": "wan", "address": "192.0.2.3", "mac": "02:00:00:00:00:03"}), ("route.add", {
                "destination": "198.51.100.0/24", "gateway": "192.0.2.3", "port": "wan"}), ("event.subscribe", {})]
    for bad in (("sa.delete", {}), ("no.such", {}), ("config.reload", {})):
        replies = line.ask(batch_of(mixed + [bad]))
        report.check(f"with {bad[0]}", all(reply["error"]["code"] == 125 for reply in replies[:-1]) and
                     replies[-1]["error"]["code"] < 0, lambda: json.dumps(replies))
        report.equal(f"nothing has changed by the batch with {bad[0]}", state(line), before)
    line.events.clear()
    line.call("policy.flush", direction="in")
    replies = line.ask(batch_of(adds))
    report.equal("without the bad one all are added", sum(reply.get("result", {}).get("added", 0) for reply in replies), 2000)
    report.equal("the subscription of the failed batches does not hold", line.events, [])
    report.equal("they are there", line.call("sa.list", limit=0)["total"], 2001)
    report.equal("pages", [len(line.call("sa.list", direction="in", offset=offset, limit=900)["sas"])
                           for offset in (0, 900, 1800, 2700)], [900, 900, 200, 0])
    report.equal("and go again", line.call("sa.flush", direction="in"), {"deleted": 2000})


def check_oversized(report, daemon):
    report.begin("a line that is too long")
    line = daemon.line()
    try:
        line.socket.sendall(b" " * ((4 << 20) + 2))
    except (BrokenPipeError, ConnectionResetError):
        pass
    reply = line.receive()
    report.check("is answered by an error", reply and reply["error"]["data"]["errno"] == "EMSGSIZE", lambda: reply)
    report.equal("and the connection ends", line.receive(), None)
    line.close()


def open_silent(path, count):
    connections = []
    for _ in range(count):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.connect(str(path))
        connections.append(one)
    return connections


def check_connections(report, daemon):
    report.begin("10,000 connections")
    for _ in range(10000):
        open_silent(daemon.socket_path, 1)[0].close()
    report.check("come and go", daemon.line().call("status.get")["pid"])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 11000)), hard))
    many = min(10000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    silent = open_silent(daemon.socket_path, many)
    report.check(f"{many} open and silent: a client is served all the same", daemon.line().call("status.get")["pid"])
    for one in silent:
        one.close()
    check_too_many(report, daemon)


def check_too_many(report, daemon):
    """Clients that have all asked something: none gives way."""
    busy = []
    while len(busy) <= 256:
        one = daemon.line()
        one.send('{"jsonrpc":"2.0","method":"status.get","id":1}')
        reply = one.receive()
        if "error" in reply:
            break
        busy.append(one)
    report.equal("a client too many is told so", reply.get("error", {}).get("data", {}).get("errno"), "EUSERS")
    report.check("all others are served", all(one.call("status.get")["pid"] for one in busy))
    for one in busy:
        one.close()
    report.check("and there is room again", wait_for("a place", lambda: answers(daemon)))


def answers(daemon):
    """Whether a new client gets an answer."""
    line = daemon.line()
    try:
        return "pid" in line.call("status.get")
    except (AssertionError, OSError):
        return False
    finally:
        line.close()


def check_deaf(report, daemon):
    report.begin("clients that never read")
    request = b'{"jsonrpc":"2.0","method":"drop.list","id":1}\n'
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deaf.connect(str(daemon.socket_path))
    deaf.setblocking(False)
    try:
        while True:
            select.select([], [deaf], [], 60)
            deaf.send(request * 100)
    except (BrokenPipeError, ConnectionResetError):
        closed = True
    except BlockingIOError:
        watch = select.poll()
        watch.register(deaf, select.POLLHUP)
        closed = bool(watch.poll(60000))
    report.check("are closed", closed)
    report.check("others are served", daemon.line().call("status.get")["pid"])
    deaf.close()


def main():
    enter_namespace()
    report = Report()
    with Daemon(base_config()) as daemon:
        line = daemon.line()
        check_requests(report, line)
        check_lines(report, line)
        check_duplicates(report, line)
        check_batches(report, line)
        check_oversized(report, daemon)
        check_connections(report, daemon)
        check_deaf(report, daemon)
        report.begin("the end")
        report.check("the first client is still served", line.call("status.get")["pid"])
        report.check("no key in any reply", not [text for text in line.seen if "c0ffee" in text],
                     lambda: [text for text in line.seen if "c0ffee" in text][0])
        daemon.end(report)
        report.check("no key in the log", "c0ffee" not in daemon.log, lambda: daemon.log)
    finish(report)


if __name__ == "__main__":
    main()
