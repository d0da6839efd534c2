#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""`ip xfrm`, unmodified, drives the daemon through the preload library; then a client that knows no manners."""

import contextlib
import itertools
import os
import random
import re
import signal
import socket
import struct
import subprocess
import time

import xfrm_wire as wire
from control import BUILD, Daemon, Report, base_config, enter_namespace, finish, wait_for
from xfrm_wire import attribute, dial, packet

LIBRARY = BUILD / "app/xfrm-preload/libesplanade-xfrm.so"
GCM = ("aead", "rfc4106(gcm(aes))", "0x" + "11" * 16 + "01020304", "128")
CBC = ("auth-trunc", "hmac(sha256)", "0x" + "22" * 32, "128", "enc", "cbc(aes)", "0x" + "33" * 16)
OUT = ("src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp")
IN = ("src", "192.0.2.2", "dst", "192.0.2.1", "proto", "esp")
TEMPLATE_OUT = ("tmpl", *OUT, "reqid", "5", "mode", "tunnel")
TEMPLATE_IN = ("tmpl", *IN, "reqid", "5", "mode", "tunnel")


class Tool:
    """`ip xfrm` beside a daemon."""

    def __init__(self, report, daemon):
        self.report = report
        self.environment = os.environ | {"LD_PRELOAD": str(LIBRARY), "ESPLANADE_XFRM_SOCKET": str(daemon.xfrm_path)}

    def start(self, *words):
        return subprocess.Popen(["ip", "xfrm", *words], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, *words):
        process = self.start(*words)
        output = process.communicate()[0]
        return process.returncode, output

    def good(self, *words):
        code, output = self.run(*words)
        self.report.check(f"ip xfrm {' '.join(words)}", code == 0, output)
        return output

    def refused(self, reason, *words):
        code, output = self.run(*words)
        self.report.check(f"ip xfrm {' '.join(words)} is refused", code != 0 and re.search(reason, output), output)


def sas(line):
    return {int(sa["spi"], 16): sa for sa in line.call("sa.list")["sas"]}


def policies(line):
    return [policy for policy in line.call("policy.list")["policies"] if policy["origin"] == "xfrm"]


def check_states(report, tool, line):
    report.begin("SAs")
    tool.good("state", "add", *IN, "spi", "0x1001", "reqid", "5", "mode", "tunnel", "replay-window", "64", "flag", "esn",
              *GCM)
    tool.good("state", "add", *OUT, "spi", "0x1002", "reqid", "5", "mode", "tunnel", *CBC, "encap", "espinudp", "4500",
              "61000", "0.0.0.0")
    found = sas(line)
    report.equal("the SPIs", sorted(found), [0x1001, 0x1002])
    report.equal("directions", [found[spi]["direction"] for spi in sorted(found)], ["in", "out"])
    report.equal("ESN", found[0x1001]["esn"], True)
    report.equal("the window", found[0x1001]["replay_window"], 64)
    report.equal("the UDP port", found[0x1002]["encapsulation"]["destination_port"], 61000)
    report.equal("keepalives are the gateway's to say", found[0x1002]["encapsulation"]["keepalive"], "default")
    report.equal("the origin", found[0x1002]["origin"], "xfrm")
    listed = tool.good("state", "list")
    for text in ("spi 0x00001001", "spi 0x00001002", "rfc4106(gcm(aes))", "dport 61000", "replay_window 64"):
        report.check(f"the list shows {text}", text in listed, listed)
    tool.refused("exists", "state", "add", *OUT, "spi", "0x1002", "reqid", "5", "mode", "tunnel", *CBC)
    tool.refused("not available", "state", "add", *OUT, "spi", "0x1003", "reqid", "5", "mode", "tunnel", "enc", "des3_ede",
                 "0x" + "44" * 24, "auth-trunc", "hmac(md5)", "0x" + "55" * 16, "96")
    tool.refused("no such", "state", "delete", *OUT, "spi", "0x1009")
    tool.refused("no such", "state", "update", *OUT, "spi", "0x1009", "reqid", "5", "mode", "tunnel", *CBC)
    tool.good("state", "delete", *OUT, "spi", "0x1002")
    report.equal("what is left", sorted(sas(line)), [0x1001])
    # One whose peer moved keeps what it has.
    tool.good("state", "add", *OUT, "spi", "0x1005", "reqid", "5", "mode", "tunnel", *CBC)
    line.call("sa.update", direction="out", spi=0x1005, destination="192.0.2.2", new_destination="192.0.2.3")
    listed = tool.good("state", "get", "src", "192.0.2.1", "dst", "192.0.2.3", "proto", "esp", "spi", "0x1005")
    report.check("with its key", "0x" + "33" * 16 in listed, listed)
    tool.good("state", "delete", "src", "192.0.2.1", "dst", "192.0.2.3", "proto", "esp", "spi", "0x1005")
    # One that the control socket added is there as well, without its key.
    line.call("sa.add", direction="out", spi=0x2001, source="192.0.2.1", destination="192.0.2.2", reqid=9,
              encryption={"algorithm": "aes-cbc", "key": "66" * 16},
              integrity={"algorithm": "hmac-sha1-96", "key": "77" * 20})
    listed = tool.good("state", "get", *OUT, "spi", "0x2001")
    report.check("an SA of the control socket", "hmac(sha1)" in listed and "7777" not in listed, listed)
    tool.good("state", "flush")
    report.equal("a flush takes what came this way", sorted(sas(line)), [0x2001])


def check_spis(report, tool, line):
    report.begin("SPIs")
    text = tool.good("state", "allocspi", *IN, "reqid", "7", "mode", "tunnel", "min", "0x5000", "max", "0x5000")
    report.check("the SPI", "spi 0x00005000" in text, text)
    tool.refused("in use or set aside|No such file", "state", "allocspi", *IN, "reqid", "7", "mode", "tunnel", "min",
                 "0x5000", "max", "0x5000")
    tool.good("state", "update", *IN, "spi", "0x5000", "reqid", "7", "mode", "tunnel", *GCM)
    report.equal("the SA that takes it", sas(line)[0x5000]["direction"], "in")
    tool.good("state", "delete", *IN, "spi", "0x5000")
    tool.good("state", "allocspi", *IN, "reqid", "7", "mode", "tunnel", "min", "0x5000", "max", "0x5000")
    tool.good("state", "delete", *IN, "spi", "0x5000")
    tool.good("state", "allocspi", *IN, "reqid", "7", "mode", "tunnel", "min", "0x5000", "max", "0x5000")


def check_policies(report, tool, line):
    report.begin("policies")
    there, back = ("src", "10.1.0.0/24", "dst", "10.2.0.0/24"), ("src", "10.2.0.0/24", "dst", "10.1.0.0/24")
    tool.good("policy", "add", *there, "dir", "out", "priority", "1000", *TEMPLATE_OUT)
    tool.good("policy", "add", *back, "dir", "in", "priority", "1000", *TEMPLATE_IN)
    tool.good("policy", "add", *back, "dir", "fwd", "priority", "1000", *TEMPLATE_IN)
    report.equal("in and fwd are one", [(p["direction"], p["action"], p["reqid"]) for p in policies(line)],
                 [("in", "protect", 5), ("out", "protect", 5)])
    tool.refused("such a policy already", "policy", "add", *back, "dir", "in", "priority", "1000", *TEMPLATE_IN)
    tool.good("policy", "update", *there, "dir", "out", "priority", "900", *TEMPLATE_OUT)
    report.equal("another priority", [p["priority"] for p in policies(line)], [1000, 900])
    listed = tool.good("policy", "list")
    report.equal("three are listed", listed.count("proto esp"), 3)
    tool.good("policy", "delete", *back, "dir", "in")
    report.equal("the other still needs it", len(policies(line)), 2)
    tool.refused("no such|No such", "policy", "delete", *back, "dir", "in")
    tool.good("policy", "delete", *back, "dir", "fwd")
    report.equal("now it goes", [p["direction"] for p in policies(line)], ["out"])
    tool.good("policy", "add", "src", "10.1.0.0/24", "dst", "10.9.0.0/24", "proto", "tcp", "dport", "443", "dir", "out",
              "action", "block", "priority", "10")
    report.equal("a block", [(p["action"], p["selector"]["destination_port"]) for p in policies(line)
                             if p["priority"] == 10], [("discard", 443)])
    # What goes by the control socket is gone here as well, and can come again.
    tool.good("policy", "add", *back, "dir", "in", "priority", "1000", *TEMPLATE_IN)
    tool.good("policy", "add", *back, "dir", "fwd", "priority", "1000", *TEMPLATE_IN)
    line.call("policy.delete", direction="in", priority=1000,
              selector={"source": "10.2.0.0/24", "destination": "10.1.0.0/24"})
    tool.refused("no such|No such", "policy", "get", *back, "dir", "in")
    tool.good("policy", "add", *back, "dir", "in", "priority", "1000", *TEMPLATE_IN)
    tool.good("policy", "update", *back, "dir", "in", "priority", "900", *TEMPLATE_IN)
    text = tool.good("policy", "get", *back, "dir", "in")
    report.check("it is shown", "priority 900" in text, text)
    tool.good("policy", "delete", *back, "dir", "in")
    tool.refused("by mark", "policy", "add", *there, "dir", "out", "mark", "5")
    # Each interface has policies and SAs of its own.
    tool.good("policy", "add", *there, "dir", "out", "priority", "900", "if_id", "0x2a", *TEMPLATE_OUT)
    report.equal("policies without and with an if_id", sorted(p.get("if_id", 0) for p in policies(line)
                                                              if p["action"] == "protect"), [0, 42])
    text = tool.good("policy", "get", *there, "dir", "out", "if_id", "0x2a")
    report.check("it is shown", "if_id 0x2a" in text, text)
    tool.refused("no such|No such", "policy", "get", *there, "dir", "out", "if_id", "0x2b")
    tool.refused("nothing leaves in clear", "policy", "add", *back, "dir", "out", "if_id", "0x2a")
    tool.good("state", "add", *OUT, "spi", "0x1006", "reqid", "5", "mode", "tunnel", "if_id", "0x2a", *CBC)
    report.equal("an SA's", sas(line)[0x1006]["if_id"], 42)
    text = tool.good("state", "get", *OUT, "spi", "0x1006")
    report.check("it is shown", "if_id 0x2a" in text, text)
    tool.good("state", "delete", *OUT, "spi", "0x1006")
    tool.good("policy", "flush")
    report.equal("a flush", policies(line), [])


def check_ike(report, tool, line):
    report.begin("IKE beside policies between hosts")

    def beside():
        return sorted((p["direction"], p["action"], p["selector"]["source"], p["selector"]["destination"])
                      for p in line.call("policy.list")["policies"] if p.get("name") == "ike-beside")

    transport = ("tmpl", "proto", "esp", "reqid", "5", "mode", "transport")
    there, back = ("src", "192.0.2.1", "dst", "192.0.2.2"), ("src", "192.0.2.2", "dst", "192.0.2.1")
    out = [("out", "bypass", "192.0.2.1/32", "192.0.2.2/32")] * 2
    tool.good("policy", "add", *there, "dir", "out", "priority", "1000", *transport)
    report.equal("outbound: ports 500 and 4500", beside(), out)
    tool.good("policy", "add", *back, "dir", "in", "priority", "1000", *transport)
    tool.good("policy", "add", *back, "dir", "fwd", "priority", "1000", *transport)
    report.equal("and inbound", beside(), [("in", "bypass", "192.0.2.2/32", "192.0.2.1/32")] * 2 + out)
    tool.good("policy", "update", *there, "dir", "out", "priority", "900", *transport)
    report.equal("they outlast an update", len(beside()), 4)
    tool.good("policy", "delete", *back, "dir", "in")
    report.equal("and one of two that need them", len(beside()), 4)
    tool.good("policy", "delete", *back, "dir", "fwd")
    report.equal("then they go", beside(), out)
    tool.good("policy", "flush")
    report.equal("also by a flush", beside(), [])
    networks = ("src", "192.0.2.0/24", "dst", "192.0.2.0/24")
    tool.good("policy", "add", *networks, "dir", "out", "priority", "1000", *TEMPLATE_OUT)
    report.equal("a tunnel's, of its ends alone", beside(), out)
    tool.good("policy", "add", "src", "10.1.0.0/24", "dst", "192.0.2.0/24", "dir", "out", "priority", "1000", *TEMPLATE_OUT)
    tool.good("policy", "add", *there, "proto", "tcp", "dir", "out", "priority", "999", *transport)
    report.equal("not of others", beside(), out)
    tool.good("policy", "flush")


def check_events(report, tool, line):
    report.begin("monitor")
    monitor = tool.start("monitor")
    # It has joined its groups when it hears of something.
    probe = ("state", "add", *OUT, "spi", "0x3000", "reqid", "8", "mode", "tunnel", *CBC)
    os.set_blocking(monitor.stdout.fileno(), False)
    heard = ""

    def hear(wanted):
        nonlocal heard
        with contextlib.suppress(BlockingIOError):
            heard += os.read(monitor.stdout.fileno(), 65536).decode()
        return wanted in heard

    def probed():
        tool.run(*probe)
        tool.run("state", "delete", *OUT, "spi", "0x3000")
        time.sleep(0.05)
        return hear("0x00003000")

    wait_for("the monitor", probed)
    tool.good("state", "add", *OUT, "spi", "0x3001", "reqid", "8", "mode", "tunnel", *CBC, "limit", "time-soft", "1",
              "limit", "time-hard", "4")
    wait_for("the soft limit", lambda: hear("hard 0"))
    wait_for("the hard limit", lambda: hear("hard 1"))
    wait_for("the end", lambda: re.search(r"Deleted [^\n]*\n[^\n]*0x00003001", heard) or hear("\0"))
    report.check("the SA has gone", 0x3001 not in sas(line))
    tool.good("policy", "add", "src", "10.1.0.0/24", "dst", "10.2.0.0/24", "dir", "out", *TEMPLATE_OUT)
    wait_for("the policy", lambda: hear("10.2.0.0/24"))
    tool.good("policy", "flush")
    monitor.send_signal(signal.SIGINT)
    monitor.wait()
    report.check("soft came before hard", heard.index("hard 0") < heard.index("hard 1"))


def ask(client, kind, body, flags=5):
    """The answer's type and body: of the first message that comes."""
    client.send(packet(kind, body, flags))
    answer = client.recv(65536)
    return struct.unpack_from("=H", answer, 4)[0], answer[16:]


def aevent(spi):
    """struct xfrm_aevent_id of an outbound SA."""
    return (socket.inet_aton("192.0.2.2") + bytes(12) + struct.pack("!I", spi) + struct.pack("=HBx", socket.AF_INET, 50) +
            bytes(16) + struct.pack("=II", 0, 0))


def check_numbers(report, tool, daemon, line):
    """What a change of address is to an IKE daemon: GETAE, DELSA, NEWSA with the same key."""
    report.begin("numbers")
    add = ("state", "add", *OUT, "spi", "0x6001", "reqid", "5", "mode", "tunnel", *CBC)
    tool.good(*add, "replay-oseq", "1000")
    tool.good("state", "delete", *OUT, "spi", "0x6001")
    tool.good(*add)
    report.equal("the numbers of a key go on", sas(line)[0x6001]["sequence"], 1000)
    client = dial(daemon)
    kind, body = ask(client, 31, aevent(0x6001), 1)
    report.equal("GETAE tells them", (kind, struct.unpack_from("=HHIII", body, 48)), (30, (16, 10, 1000, 0, 0)))
    replay = attribute(10, struct.pack("=III", 2000, 0, 0))

    def error(flags, attributes):
        kind, body = ask(client, 30, aevent(0x6001) + attributes, flags)
        return kind, struct.unpack_from("=i", body)[0]

    report.equal("NEWAE without NLM_F_REPLACE", error(5, replay), (2, -22))
    report.equal("NEWAE without anything", error(0x105, b""), (2, -22))
    report.equal("NEWAE", error(0x105, replay), (2, 0))
    report.equal("takes them forward", sas(line)[0x6001]["sequence"], 2000)
    report.equal("NEWAE", error(0x105, attribute(10, struct.pack("=III", 5, 0, 0))), (2, 0))
    report.equal("and not back", sas(line)[0x6001]["sequence"], 2000)
    client.close()
    tool.good("state", "delete", *OUT, "spi", "0x6001")
    # The control socket's SAs as well.
    line.call("sa.add", direction="out", spi=0x6001, source="192.0.2.1", destination="192.0.2.2", reqid=9,
              encryption={"algorithm": "aes-cbc", "key": "33" * 16},
              integrity={"algorithm": "hmac-sha2-256-128", "key": "22" * 32})
    report.equal("by the control socket", sas(line)[0x6001]["sequence"], 2000)
    line.call("sa.delete", direction="out", spi=0x6001, destination="192.0.2.2")
    # An SA with a mark is found by that mark alone.
    tool.good(*add, "mark", "0x10", "mask", "0xf0")
    tool.refused("no such", "state", "get", *OUT, "spi", "0x6001")
    tool.refused("no such", "state", "delete", *OUT, "spi", "0x6001", "mark", "0x20")
    tool.good("state", "get", *OUT, "spi", "0x6001", "mark", "0x1f")
    tool.good("state", "delete", *OUT, "spi", "0x6001", "mark", "0x10", "mask", "0xf0")


THERE, BACK = ("10.1.0.0/24", "10.2.0.0/24"), ("10.2.0.0/24", "10.1.0.0/24")
ENDS, BACK_ENDS = ("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.1")


def install(report, controller, spi, peer="192.0.2.2"):
    answers = [controller.ask(wire.NEWSA, wire.sa("192.0.2.1", peer, spi, 1)),
               controller.ask(wire.UPDPOLICY, wire.policy(1, THERE, ("192.0.2.1", peer), 1))]
    report.equal(f"an SA and a policy, SPI {spi:#x}", answers, [0, 0])


def check_owners(report, daemon, line):
    """A daemon that dies, its successor, and what that one does not take over."""
    report.begin("owners")
    listener = daemon.line()
    listener.call("event.subscribe", kinds=["controller"])
    first = wire.Controller(daemon, "charon-1")
    install(report, first, 0x7001)
    report.equal("a policy", first.ask(wire.NEWPOLICY, wire.policy(0, BACK, BACK_ENDS, 1)), 0)
    report.equal("the owner of the SA", sas(line)[0x7001]["owner"], "charon-1")
    report.equal("of the policies", {policy["owner"] for policy in policies(line)}, {"charon-1"})
    first.close()
    wait_for("it has gone", lambda: "owner_gone_seconds" in sas(line)[0x7001])
    first = wire.Controller(daemon, "charon-1")
    wait_for("it is back", lambda: "owner_gone_seconds" not in sas(line)[0x7001])
    first.close()
    wait_for("it has gone", lambda: "owner_gone_seconds" in sas(line)[0x7001])
    # Its successor counts reqids anew: another peer is the first, and what the old policies protect must not go there.
    second = wire.Controller(daemon, "charon-2")
    report.equal("an SA of the successor", second.ask(wire.NEWSA, wire.sa("192.0.2.1", "192.0.2.9", 0x7009, 1)), 0)
    report.equal("the old reqid", sas(line)[0x7001]["reqid"], 1)
    report.check("is not the new one", sas(line)[0x7009]["reqid"] != 1)
    install(report, second, 0x7002)
    report.equal("what it installs anew is its own", {(p["direction"], p["owner"]) for p in policies(line)},
                 {("out", "charon-2"), ("in", "charon-1")})
    dropped = listener.wait_event(lambda event: event["params"]["change"] == "dropped")
    report.equal("what goes", {word: dropped["params"][word] for word in ("program", "sas", "policies")},
                 {"program": "charon-1", "sas": 1, "policies": 1})
    report.equal("the SAs that stay", {spi for spi, sa in sas(line).items() if sa["origin"] == "xfrm"}, {0x7002, 0x7009})
    report.equal("the policies that stay", [p["owner"] for p in policies(line)], ["charon-2"])
    for spi, peer in ((0x7002, "192.0.2.2"), (0x7009, "192.0.2.9")):
        report.equal(f"the end of {spi:#x}", second.ask(wire.DELSA, wire.sa_id(peer, spi)), 0)
    report.equal("the end of the policy", second.ask(wire.DELPOLICY, wire.policy_id(1, THERE)), 0)
    second.close()
    listener.close()


def check_migration(report, daemon, line):
    """A policy and its SAs go to other addresses in one step."""
    report.begin("migration")
    listener, controller = dial(daemon), wire.Controller(daemon, "charon")
    listener.send(packet(9, struct.pack("=I", 7), 0))
    install(report, controller, 0x8001)
    report.equal("an SA in", controller.ask(wire.NEWSA, wire.sa("192.0.2.2", "192.0.2.1", 0x8002, 1)), 0)

    def migrate(old, new, networks=THERE):
        step = b"".join(wire.address(end) for end in (old[1], old[0], new[1], new[0]))
        step += struct.pack("=BBHIHH", 50, 1, 0, 1, socket.AF_INET, socket.AF_INET)
        return controller.ask(wire.MIGRATE, wire.policy_id(1, networks) + attribute(17, step))

    away = ("192.0.2.1", "198.51.100.9")
    report.equal("without a step", controller.ask(wire.MIGRATE, wire.policy_id(1, THERE)), 22)
    report.equal("another policy", migrate(ENDS, away, BACK), 2)
    report.equal("from elsewhere", migrate(away, ENDS), 61)
    report.equal("the SA is where it was", sas(line)[0x8001]["destination"], "192.0.2.2")
    report.equal("to another address", migrate(ENDS, away), 0)
    found = sas(line)
    report.equal("the SA", found[0x8001]["destination"], "198.51.100.9")
    report.equal("and its owner", found[0x8001]["owner"], "charon")
    report.equal("the other way is not meant", found[0x8002]["source"], "192.0.2.2")
    report.equal("who listens is told", struct.unpack_from("=H", listener.recv(65536), 4)[0], wire.MIGRATE)
    report.equal("it is known there", controller.ask(wire.DELSA, wire.sa_id("198.51.100.9", 0x8001)), 0)
    report.equal("the policy as well", migrate(away, ENDS), 0)
    report.equal("the other", controller.ask(wire.DELSA, wire.sa_id("192.0.2.1", 0x8002)), 0)
    report.equal("the end of the policy", controller.ask(wire.DELPOLICY, wire.policy_id(1, THERE)), 0)
    controller.close()
    listener.close()


def check_deaf(report, tool, daemon):
    """Who does not read what it listens to loses events, costs no more memory, and is told as the kernel tells it."""
    report.begin("a listener that sleeps")
    controller = wire.Controller(daemon, "charon")
    add, delete = (wire.NEWSA, wire.sa("192.0.2.1", "192.0.2.2", 0x9001, 1)), (wire.DELSA, wire.sa_id("192.0.2.2", 0x9001))
    monitor = tool.start("monitor")
    heard = b""
    os.set_blocking(monitor.stdout.fileno(), False)

    def hear(wanted):
        nonlocal heard
        with contextlib.suppress(BlockingIOError):
            heard += os.read(monitor.stdout.fileno(), 65536)
        return wanted in heard

    def probed():
        report.equal("a probe", (controller.ask(*add), controller.ask(*delete)), (0, 0))
        time.sleep(0.05)
        return hear(b"0x00009001")

    wait_for("the monitor", probed)
    monitor.send_signal(signal.SIGSTOP)
    refused = sum(controller.ask(*request) != 0 for _ in range(2500) for request in (add, delete))
    report.equal("the others are served", refused, 0)
    monitor.send_signal(signal.SIGCONT)

    # The next event that finds room comes after the word of those that were lost.
    wait_for("the word of it", lambda: probed() and hear(b"No buffer space"))
    monitor.send_signal(signal.SIGINT)
    monitor.wait()
    controller.close()


# What a kernel without xfrm_user says of each policy of a socket, any kernel says of one without a direction.
POLICY_OF_SOCKET = """
import socket
policy = bytes(160) + bytes([7, 0, 0, 0, 0, 0, 0, 0])
for family, level, option in (socket.AF_INET, socket.IPPROTO_IP, 17), (socket.AF_INET6, socket.IPPROTO_IPV6, 35):
    with socket.socket(family, socket.SOCK_DGRAM) as ike:
        ike.setsockopt(level, option, policy)
        try:
            ike.setsockopt(level, option, policy[:20])
        except OSError:
            pass
        else:
            raise SystemExit("a piece of a policy is none")
"""


def check_sockets(report, tool):
    report.begin("sockets of an IKE daemon")
    for name, environment, code in ("the library", tool.environment, 0), ("the kernel alone", os.environ, 1):
        done = subprocess.run(["/usr/bin/python3", "-c", POLICY_OF_SOCKET], env=environment, capture_output=True,
                              check=False, text=True)
        report.equal(f"{name}: a bypass where the kernel knows no policies", done.returncode, code)


# Asks for the count of SAs; then, when a line comes, twice more: the daemon has gone.
ASK_A_DAEMON_THAT_HAS_GONE = """
import socket, struct
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 6) as client:
    request = struct.pack("=IHHIII", 20, 0x23, 1, 1, 0, 0)
    client.send(request)
    print("answered" if client.recv(1000) else "no answer", flush=True)
    input()
    for _ in range(3):
        try:
            client.send(request)
            print("taken", flush=True)
        except ConnectionRefusedError:
            print("refused", flush=True)
"""


def check_gone(report, tool, daemon):
    """A request that nobody will answer is refused, and not the first one alone: who asks would wait for ever."""
    report.begin("a daemon that goes")
    client = subprocess.Popen(["/usr/bin/python3", "-c", ASK_A_DAEMON_THAT_HAS_GONE], env=tool.environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    report.equal("a request", client.stdout.readline().strip(), "answered")
    daemon.end(report)
    report.equal("requests when it has gone", client.communicate("\n")[0].split(), ["refused"] * 3)


def answers_before(client, number):
    """How many messages come before the answer to a good request of that number, which is sent now."""
    client.send(packet(wire.GETSA, wire.sa_id("192.0.2.2", 0xdead), wire.REQUEST, number))
    for count in itertools.count():
        answer = client.recv(65536)
        if not answer:
            raise ConnectionResetError
        if struct.unpack_from("=I", answer, 8)[0] == number:
            return count


def check_manners(report, tool, daemon, line):
    report.begin("bad manners")
    chance = random.Random(1)
    client = dial(daemon)
    answered = 0
    for number in range(3000):
        body = chance.randbytes(chance.choice((0, 4, 24, 60, 224, 232, 400)))
        data = packet(chance.randrange(0x10, 0x30), body, chance.choice((1, 5, 0x305)))
        try:
            client.settimeout(wire.PATIENCE)
            client.send(data if number % 3 else data[:chance.randrange(len(data) + 1)] or b"\0")
            if number % 20 == 0:
                answered += answers_before(client, 100 + number)
        except (BrokenPipeError, ConnectionResetError):
            client = dial(daemon)
    report.check("the rest is answered", answered > 500, answered)
    client.close()
    clients = [dial(daemon) for _ in range(10)]
    for client in clients:
        client.send(packet(18, b"", 0x305))
    report.check("ten clients at once", all(client.recv(65536) for client in clients))
    # One never reads what it asks for; the others are served all the same.
    lazy = dial(daemon)
    lazy.setblocking(False)
    try:
        while True:
            lazy.send(packet(21, b"", 0x305))
    except (BlockingIOError, BrokenPipeError):
        pass
    tool.good("state", "count")
    report.check("the control socket answers", "sas" in line.call("sa.list"))
    for client in [*clients, lazy]:
        client.close()


def main():
    enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    report = Report()
    with Daemon(base_config() | {"control": {"xfrm_grace_seconds": 8}}) as daemon:
        line = daemon.line()
        tool = Tool(report, daemon)
        check_states(report, tool, line)
        check_spis(report, tool, line)
        check_policies(report, tool, line)
        check_ike(report, tool, line)
        check_events(report, tool, line)
        check_numbers(report, tool, daemon, line)
        check_owners(report, daemon, line)
        check_migration(report, daemon, line)
        check_deaf(report, tool, daemon)
        check_sockets(report, tool)
        check_manners(report, tool, daemon, line)
        check_gone(report, tool, daemon)
        code, output = tool.run("state", "list")
        report.check("without a daemon there is a reason", code != 0 and "cannot reach" in output, output)
    finish(report)


main()
