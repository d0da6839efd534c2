#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""TCP encapsulation (RFC 9329) against a peer of its own kind, in both roles, and against hostile streams."""

import contextlib
import itertools
import os
import socket
import struct
import time

from control import Daemon, Report, base_config, enter_namespace, finish, wait_for
from esp import Sa, lower_ttl
from report import difference
from session import udp_packet
from tcp_peer import GATEWAY, MARKER, OTHER, PEER, PREFIX, Host, Listener, Namespace, Stream, quiet, record, run

IN_TCP = {"encapsulation": {"protocol": "tcp"}}
KNOCKS = itertools.count(1)


class Tunnel:
    """A pair of SAs in TCP and the policies for them: what the peer has behind it is 10.(100 + reqid).0.0/24."""

    def __init__(self, line, reqid, family=4, connect=None):
        out = {"protocol": "tcp"} if connect is None else {"protocol": "tcp", "connect": True, "destination_port": connect}
        self.family, self.reqid, self.sequence = family, reqid, itertools.count(1)
        self.inbound = Sa("in", "in", 0x1000 + reqid, PEER[family], GATEWAY[family], reqid, options=IN_TCP)
        self.outbound = Sa("out", "out", 0x2000 + reqid, GATEWAY[family], PEER[family], reqid,
                           options={"encapsulation": out})
        self.ours, self.theirs = "10.1.0.9", f"10.{100 + reqid}.0.9"
        for direction, source, destination in (("out", "10.1.0.0/24", f"10.{100 + reqid}.0.0/24"),
                                               ("in", f"10.{100 + reqid}.0.0/24", "10.1.0.0/24")):
            line.call("policy.add", direction=direction, action="protect", reqid=reqid,
                      selector={"source": source, "destination": destination})
        for sa in (self.inbound, self.outbound):
            result = line.call("sa.add", **sa.config())
            assert result == {"added": 1}, result

    def from_peer(self, tag, sequence=None, size=0):
        """An ESP packet of the peer and the packet in it."""
        inner = udp_packet(self.theirs, self.ours, tag + bytes(size))
        return self.inbound.seal(sequence or next(self.sequence), inner), inner

    def from_host(self, tag, size=0):
        return udp_packet(self.ours, self.theirs, tag + bytes(size))

    def inside(self, payload):
        return self.outbound.open(payload).inner


class World:
    def __init__(self, report, daemon, line, listener, namespace, host):
        self.report, self.daemon, self.line, self.listener = report, daemon, line, listener
        self.namespace, self.host = namespace, host

    def reload(self, changes):
        config = self.daemon.config
        self.daemon.write_config(config | {"tcp_encapsulation": config["tcp_encapsulation"] | changes})
        result = self.line.call("config.reload")
        self.report.check(f"{changes} without a restart", "unchanged" in result, result)

    def drops(self, name):
        return {drop["name"]: drop["packets"] for drop in self.line.call("drop.list")["drops"]}[name]

    def tcp(self):
        return self.line.call("tcp.list")

    def connection(self, stream):
        """As the gateway has it; None when it has not."""
        found = [entry for entry in self.tcp()["connections"] if entry["remote"]["port"] == stream.port]
        return found[0] if found else None

    def arrives(self, name, stream, tunnel, tag, **how):
        """A packet of the peer comes out, as it is."""
        esp, inner = tunnel.from_peer(tag, **how)
        stream.send(esp)
        got = self.host.got(tag)[0]
        self.report.check(name, got == lower_ttl(inner), lambda: difference(got, lower_ttl(inner)))

    def leaves(self, name, stream, tunnel, tag, size=0):
        """A packet of the host leaves by the stream, in a record of its own."""
        packet = tunnel.from_host(tag, size)
        self.host.send(packet)
        payload = stream.receive()
        self.report.check(name, payload and tunnel.inside(payload) == lower_ttl(packet), lambda: repr(payload))

    def is_bound(self, stream, tunnel):
        found = self.connection(stream)
        return found and tunnel.reqid in found["reqids"]

    def wait_bound(self, stream, tunnel):
        wait_for("the connection to be the tunnel's", lambda: self.is_bound(stream, tunnel))


def responder(world, family):
    """conformance: J21, J22"""
    report, line = world.report, world.line
    report.begin(f"responder, IPv{family}")
    world.host.forget()
    tunnel = Tunnel(line, family, family)
    before = world.drops("tcp_no_connection")
    world.host.send(tunnel.from_host(b"<too soon>"))
    wait_for("the drop", lambda: world.drops("tcp_no_connection") > before)

    stream = Stream.connect(world.namespace, family)
    world.arrives("a record", stream, tunnel, b"<first>")
    world.wait_bound(stream, tunnel)
    world.leaves("a record back", stream, tunnel, b"<back>")
    report.check("the packet that came too soon never left", stream.is_quiet())
    report.check("segments fit into any path", stream.segment <= 1220, stream.segment)
    mapping = world.listener.wait_event(lambda event: event["params"]["kind"] == "mapping"
                                        and event["params"]["new"]["port"] == stream.port)
    report.equal("an event tells where the peer is", mapping["params"]["new"]["address"], PEER[family])

    report.begin_quiet("framing")
    many = [tunnel.from_peer(b"<many %d>" % i) for i in range(5)]
    data = b"".join(record(esp) for esp, _ in many)
    for at in range(0, len(data), 7):
        stream.write(data[at:at + 7])
    for i, (_, inner) in enumerate(many):
        report.equal(f"in pieces of 7 bytes, {i}", world.host.got(b"<many %d>" % i)[0], lower_ttl(inner))
    tags = [b"<burst %02d>" % i for i in range(40)]
    stream.write(b"".join(record(tunnel.from_peer(tag)[0]) for tag in tags))
    for tag in tags:
        world.host.got(tag)
    order = [tag for packet in world.host.seen for tag in tags if tag in packet]
    report.equal("forty in one segment or two, in order", order, tags)
    # 1500 bytes inside: the record is longer than a segment.
    world.arrives("a packet of the whole MTU", stream, tunnel, b"<large>", size=1500 - 28 - 7)
    world.leaves("a packet of the whole MTU back", stream, tunnel, b"<large back>", size=1500 - 28 - 12)
    return tunnel, stream


def knocks(world, tunnel, stream):
    """Once more, until the gateway has heard that it is the peer's."""
    stream.send(tunnel.from_peer(b"<knock %d>" % next(KNOCKS))[0])
    time.sleep(0.02)
    return world.is_bound(stream, tunnel)


def which_connection(world, tunnel, first):
    """conformance: J22"""
    report = world.report
    report.begin("which connection is the peer's")
    replayed = tunnel.from_peer(b"<second>", sequence=5000)[0]
    tunnel.sequence = itertools.count(5001)
    first.send(replayed)
    world.host.got(b"<second>")
    second = Stream.connect(world.namespace)
    forged = bytearray(tunnel.from_peer(b"<forged>", sequence=9000)[0])
    forged[-1] ^= 1
    before = world.drops("esp_integrity"), world.drops("esp_replay")
    second.send(bytes(forged))
    second.send(replayed)
    wait_for("both drops", lambda: (world.drops("esp_integrity"), world.drops("esp_replay"))
             == (before[0] + 1, before[1] + 1))
    world.leaves("not the one with a forged and a replayed packet", first, tunnel, b"<still first>")
    second.send(tunnel.from_peer(b"<late>", sequence=4999)[0])
    world.host.got(b"<late>")
    world.leaves("not the one by which a late packet came", first, tunnel, b"<still first 2>")
    world.arrives("an authentic packet on another", second, tunnel, b"<moved>")
    world.wait_bound(second, tunnel)
    world.leaves("moves the tunnel there", second, tunnel, b"<by second>")
    report.check("the first is quiet", first.is_quiet())
    world.arrives("both still deliver", first, tunnel, b"<by first again>")
    world.wait_bound(first, tunnel)
    world.arrives("and back", second, tunnel, b"<by second again>")
    world.wait_bound(second, tunnel)

    # Its end: what was authentic elsewhere is the peer's again, once it is heard there.
    second.reset()
    wait_for("the end of the second",
             lambda: not any(tunnel.reqid in entry["reqids"] for entry in world.tcp()["connections"]))
    before = world.drops("tcp_no_connection")
    world.host.send(tunnel.from_host(b"<nowhere>"))
    wait_for("the drop", lambda: world.drops("tcp_no_connection") > before)

    wait_for("the first to be the tunnel's again", lambda: knocks(world, tunnel, first))
    world.leaves("the first is the peer's again", first, tunnel, b"<by first>")


def originator(world, family):
    """conformance: J23"""
    report, line = world.report, world.line
    report.begin(f"originator, IPv{family}")
    world.host.forget()
    listener = Listener(world.namespace, family, 4501) if family == 6 else None
    reqid = 10 + family
    tunnel = Tunnel(line, reqid, family, connect=4501)

    def mine():
        return [entry for entry in world.tcp()["connections"]
                if entry["role"] == "originator" and entry["remote"] == {"address": PEER[family], "port": 4501}]

    if family == 4:  # the port is closed at first: the gateway tries again
        wait_for("the refusal",
                 lambda: mine() and mine()[0]["state"] == "waiting" and "refused" in mine()[0]["problem"])
    listener = listener or Listener(world.namespace, family, 4501)
    stream = listener.accept()
    report.equal("the prefix comes first", stream.take(len(PREFIX)), PREFIX)
    report.check("segments fit into any path", stream.segment <= 1220, stream.segment)
    report.equal("from the SA's own address", stream.socket.getpeername()[0], GATEWAY[family])
    wait_for("the connection to be open", lambda: mine() and mine()[0]["state"] == "open")
    world.leaves("packets leave at once", stream, tunnel, b"<hello>")
    world.arrives("and come", stream, tunnel, b"<hello yourself>")

    stream.reset()
    wait_for("the end", lambda: mine()[0]["state"] != "open")
    before = world.drops("tcp_no_connection")
    world.host.send(tunnel.from_host(b"<lost>"))
    wait_for("the drop", lambda: world.drops("tcp_no_connection") > before)
    stream = listener.accept()
    report.equal("it comes back after a reset, and says so", stream.take(len(PREFIX)), PREFIX)
    wait_for("the connection to be open", lambda: mine() and mine()[0]["state"] == "open")
    world.leaves("packets leave again", stream, tunnel, b"<again>")

    end = PEER[family]
    if family == 4:
        report.begin_quiet("the peer moves")
        elsewhere, end = Listener(world.namespace, 4, 4501, OTHER), OTHER
        report.equal("update", line.call("sa.update", direction="out", spi=tunnel.outbound.spi,
                                         destination=PEER[4], new_destination=OTHER), {"updated": 1})
        moved = elsewhere.accept()
        report.equal("the connection with it", moved.take(len(PREFIX)), PREFIX)
        report.check("the old one is closed", stream.is_closed())
        wait_for("the old one to be gone", lambda: not mine())
        world.leaves("packets go there", moved, tunnel, b"<moved>")
        stream = moved
        elsewhere.close()

    report.begin_quiet("the last SA goes")
    line.call("sa.delete", direction="out", spi=tunnel.outbound.spi, destination=end)
    report.check("the connection with it", stream.is_closed())
    wait_for("nothing to be left",
             lambda: not [entry for entry in world.tcp()["connections"] if entry["role"] == "originator"])
    listener.close()


def records(world, tunnel, stream):
    """conformance: J24"""
    report = world.report
    report.begin("records that are no good")
    for name, reason, payloads in (
            ("a keepalive", "tcp_keepalive", [b"\xff"]),
            ("too short for anything", "tcp_record", [b"", b"\x00", b"\x12\x34", b"\xff\xff\xff"]),
            ("a marker and nothing behind it", "tcp_record", [MARKER]),
            ("too short for ESP", "esp_runt", [bytes((1, 2, 3, 4)), struct.pack("!II", tunnel.inbound.spi, 1)]),
            ("longer than any buffer", "tcp_record", [b"\x12\x34\x56\x78" + bytes(65529)]),
            ("an unknown SPI", "sa_unknown", [struct.pack("!II", 0x99999999, 1) + bytes(40)])):
        before = world.drops(reason)
        for payload in payloads:
            stream.send(payload)
        wait_for(name, lambda: world.drops(reason) == before + len(payloads))
        report.check(name, True)
    world.arrives("the stream goes on behind them", stream, tunnel, b"<after them>")


def hostile(world, tunnel):
    """conformance: J24"""
    report = world.report
    report.begin("streams that are no good")
    good = record(tunnel.from_peer(b"<never>", sequence=10)[0])
    for name, prefix, data in (
            ("no prefix", b"", good),
            ("half of another prefix", b"", b"IKE/"),
            ("another prefix", b"IKETCQ", good),
            ("TLS", b"", b"\x16\x03\x01\x02\x00\x01"),
            ("a length of 0", PREFIX, b"\x00\x00"),
            ("a length of 1", PREFIX, b"\x00\x01" + good)):
        stream = Stream.connect(world.namespace, prefix=prefix)
        stream.write(data)
        report.check(f"{name}: closed", stream.is_closed())
        stream.close()
    report.check("nothing of them came out", not world.host.has(b"<never>"))

    stream = Stream.connect(world.namespace)
    stream.write(b"\xff\xff" + os.urandom(60000))
    stream.reset()  # in the middle of a record
    for _ in range(20):
        Stream.connect(world.namespace).reset()
    local = socket.create_connection(("127.0.0.1", 4500))
    report.check("an address that is not the gateway's: closed", Stream(local).is_closed())


def out_of_step(world, tunnel, good):
    """Somebody puts a byte into the stream. conformance: J28"""
    report = world.report
    report.begin("a stream that is out of step")
    stream = Stream.connect(world.namespace)
    world.arrives("it has been good", stream, tunnel, b"<in step>")
    world.wait_bound(stream, tunnel)
    unknown = struct.pack("!II", 0x99999999, 1) + bytes(40)
    for _ in range(20):
        stream.send(unknown)
        stream.send(tunnel.from_peer(b"<between>")[0])
    world.leaves("unknown SPIs among good ones are nothing", stream, tunnel, b"<still there>")
    expired = world.tcp()["expired"]
    stream.write(b"\x00")  # from here on a record is 0x40, then 0x4040 bytes long

    def closed():
        stream.write(b"\x40" * 4000)
        time.sleep(0.02)
        return world.tcp()["expired"] > expired
    wait_for("the gateway to see it", closed)
    report.check("it is closed", stream.is_closed())
    stream.close()
    wait_for("another one to be the tunnel's", lambda: knocks(world, tunnel, good))
    world.leaves("where traffic goes on", good, tunnel, b"<in step again>")


def bounds(world, tunnel, good):
    """conformance: J24, M9"""
    report = world.report
    report.begin("bounds")
    refused = world.tcp()["refused"]
    crowd = [Stream.connect(world.namespace) for _ in range(8)]
    wait_for("two of them to be refused", lambda: world.tcp()["refused"] >= refused + 2)
    evicted = world.tcp()["evicted"]
    late = [Stream.connect(world.namespace, source=OTHER) for _ in range(5)]
    wait_for("room for all of another address", lambda: all(map(world.connection, late)))
    report.check("the oldest made way", world.tcp()["evicted"] > evicted)
    report.check("no more than allowed", len(world.tcp()["connections"]) <= 10)
    crowd += late
    world.arrives("the good one goes on", good, tunnel, b"<in the crowd>")
    expired = world.tcp()["expired"]
    world.reload({"unauthenticated_seconds": 1})
    for stream in crowd:
        report.check("one that shows nothing authentic is closed after a while", stream.is_closed())
        stream.close()
    report.check("and is counted", world.tcp()["expired"] >= expired + 5)
    world.arrives("the good one stays", good, tunnel, b"<after the crowd>")

    report.begin_quiet("a peer that reads nothing")
    before = world.drops("tcp_blocked")

    def flood():
        for _ in range(50):
            world.host.send(tunnel.from_host(b"<flood>", 1200))
        time.sleep(0.01)
        return world.drops("tcp_blocked") > before
    wait_for("the write buffer to be full", flood)
    held = world.connection(good)["waiting_bytes"]
    report.check("no more than allowed waits", held <= 65536, held)
    world.arrives("it is heard all the same", good, tunnel, b"<sender>")

    def drained():
        payload = good.receive()
        return payload is not None and tunnel.inside(payload) and world.connection(good)["waiting_bytes"] == 0
    wait_for("all records to come, whole", drained)


@contextlib.contextmanager
def unplugged(world):
    """Nobody has the peer's other address meanwhile: what is sent to it is lost without a word."""
    with world.namespace.within():
        run("ip", "address", "del", f"{OTHER}/24", "dev", "p0")
    yield
    with world.namespace.within():
        run("ip", "address", "add", f"{OTHER}/24", "dev", "p0")


def half_open(world, tunnel):
    """conformance: J27"""
    report = world.report
    report.begin("a peer that vanishes without a word")
    world.reload({"keepalive_seconds": 1, "dead_seconds": 4, "unauthenticated_seconds": 600})

    def moves_to(name, tag, **where):
        stream = Stream.connect(world.namespace, **where)
        world.arrives(name, stream, tunnel, tag)
        world.wait_bound(stream, tunnel)
        return stream

    lost = moves_to("it is there", b"<there>", source=OTHER)
    with unplugged(world):
        # Before anybody knows that the first one is dead.
        again = moves_to("it comes back on another connection", b"<again>")
        world.leaves("which has all that is sent from then on", again, tunnel, b"<to the new one>")
        wait_for("TCP to find out by asking", lambda: not world.connection(lost))
    report.check("the other connection stays", world.is_bound(again, tunnel))
    lost.close()

    lost = moves_to("it changes once more", b"<once more>", source=OTHER)
    with unplugged(world):
        before = world.drops("tcp_no_connection")

        def speak():
            world.host.send(tunnel.from_host(b"<to nobody>"))
            time.sleep(0.1)
            return world.drops("tcp_no_connection") > before
        wait_for("TCP to find out by data that nobody acknowledges", speak)
        report.check("its connection is gone", not world.connection(lost))
        report.check("nobody else is sent what was for it", again.is_quiet())
    lost.close()
    world.arrives("the connection that is left has something authentic", again, tunnel, b"<left>")
    world.wait_bound(again, tunnel)
    world.leaves("and all goes by it", again, tunnel, b"<to the left one>")
    world.reload({"keepalive_seconds": 60, "dead_seconds": 30})
    again.close()


def forms(world, tunnel, stream):
    """conformance: J25"""
    report = world.report
    report.begin("TCP and other forms do not mix")
    bare = Sa("bare", "in", 0x3001, PEER[4], GATEWAY[4], 77)
    report.equal("an SA without TCP", world.line.call("sa.add", **bare.config()), {"added": 1})
    before = world.drops("esp_encapsulation")
    stream.send(bare.seal(1, udp_packet("10.177.0.1", "10.1.0.9", b"<bare>")))
    with world.namespace.within():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    raw.sendto(tunnel.from_peer(b"<raw>")[0], (GATEWAY[4], 0))
    udp.sendto(tunnel.from_peer(b"<udp>")[0], (GATEWAY[4], 4500))
    wait_for("three drops", lambda: world.drops("esp_encapsulation") == before + 3)
    report.check("nothing came out", not any(map(world.host.has, (b"<bare>", b"<raw>", b"<udp>"))))
    for problem in ({"mode": "transport"}, {"protocol": "ah", "encryption": None}):
        sa = tunnel.inbound.config() | {"spi": 0x4000} | problem
        sa = {name: value for name, value in sa.items() if value is not None}
        report.check(f"refused: {problem}", "message" in world.line.call("sa.add", **sa))


def ike(world):
    """conformance: J26"""
    report = world.report
    report.begin("IKE goes to the daemon of the host and back")
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("0.0.0.0", 4500))
    daemon.settimeout(60)
    streams = [Stream.connect(world.namespace) for _ in range(2)]
    for i, stream in enumerate(streams):
        message = MARKER + b"IKE message %d" % i + os.urandom(3000)
        stream.send(message)
        got, origin = daemon.recvfrom(1 << 16)
        report.equal("the message, behind its marker", got, message)
        shown = world.connection(stream)["ike_relay"]
        report.equal("it comes from where tcp.list says", (shown["address"], shown["port"]), origin)
        daemon.sendto(b"\xff", origin)
        daemon.sendto(b"\x12\x34\x56\x78 no IKE", origin)
        daemon.sendto(MARKER + b"answer %d" % i, origin)
        report.equal("the answer, and nothing else", stream.receive(), MARKER + b"answer %d" % i)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.sendto(MARKER + b"stranger", origin)
    daemon.sendto(MARKER + b"again", origin)
    report.equal("nobody else is heard", streams[1].receive(), MARKER + b"again")
    daemon.close()
    before = world.drops("tcp_ike")

    def unheard():
        streams[0].send(MARKER + b"anybody there?")
        time.sleep(0.02)
        return world.drops("tcp_ike") > before
    wait_for("an absent daemon to be counted", unheard)
    for stream in streams:
        stream.close()


def nothing_in_clear(world, tap):
    """conformance: G5, J22"""
    report = world.report
    report.begin("what left")
    tap.setblocking(False)
    clear = []
    with contextlib.suppress(BlockingIOError):
        while True:
            frame, origin = tap.recvfrom(1 << 16)
            if origin[2] != socket.PACKET_OUTGOING and b"\x0a\x01\x00\x09" in frame[14:40]:
                clear.append(frame)
    report.equal("nothing from behind the gateway in clear", clear, [])


def gateway_config():
    config = base_config()
    config["tcp_encapsulation"] = {"listen": (4500,), "connections": 10, "per_source": 6, "unauthenticated_seconds": 600,
                                   "write_bytes": 65536}
    config["workers"] = {"cpus": (0, 1), "control_cpu": 0, "idle": "sleep"}
    config["ports"][1] |= {"device": "net_af_packet0,iface=u0,framecnt=1024", "tap": True, "addresses": ()}
    # What the gateway opens itself to other ports than its own is for the operator to let through.
    config["policies"] = [
        {"direction": direction, "priority": 10, "action": "bypass",
         "selector": {"source": whole, "destination": whole, "protocol": "tcp", port: "4501"}}
        for whole in ("0.0.0.0/0", "::/0")
        for direction, port in (("out", "destination_port"), ("in", "source_port"))]
    return config


def addresses():
    run("ip", "address", "add", "192.0.2.1/24", "dev", "wan")
    run("ip", "address", "add", "2001:db8:f::1/64", "dev", "wan", "nodad")


def main():
    enter_namespace()
    report = Report()
    run("ip", "link", "set", "lo", "up")
    namespace = Namespace()
    quiet("u0")
    with Daemon(gateway_config()) as daemon:
        line, listener = daemon.line(), daemon.line()
        listener.call("event.subscribe")
        addresses()
        host = Host(line.call("port.list")["ports"][0]["mac"])
        line.call("neighbour.add", port="lan", address="10.1.0.9", mac="02:00:00:00:00:09")
        with namespace.within():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            tap.bind(("p0", 0))
        world = World(report, daemon, line, listener, namespace, host)
        wait_for("the gateway's addresses", lambda: len(line.call("port.list")["ports"][1]["addresses"]) >= 2)
        _, other = responder(world, 6)
        other.close()
        tunnel, stream = responder(world, 4)
        which_connection(world, tunnel, stream)
        records(world, tunnel, stream)
        hostile(world, tunnel)
        out_of_step(world, tunnel, stream)
        forms(world, tunnel, stream)
        ike(world)
        bounds(world, tunnel, stream)
        half_open(world, tunnel)
        originator(world, 4)
        originator(world, 6)
        nothing_in_clear(world, tap)
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
