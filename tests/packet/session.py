# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Many probes through one daemon.

The rig that every session shares:

    host 02:…:01:02 ── lan [protected]  gateway  wan [unprotected] ── peer 02:…:02:02
    10.1.0.0/16         10.1.255.1               192.0.2.1            192.0.2.2         10.2.0.0/16 behind it
    2001:db8:1::/48     2001:db8:1:ffff::1       2001:db8:f::1        2001:db8:f::2     2001:db8:2::/48 behind it
                                                                      198.51.100.0/24, 2001:db8:e::/48: the Internet

A probe is one thing sent in and what must come of it. Each carries a tag in its payload, by which what comes out is
given to the probe it belongs to, whatever was done to it on the way; what belongs to none is a failure, and so is any
count of drops that no probe asked for.
"""

import collections
import dataclasses
import re
import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from ah import AhSa, ah_of
from esp import NotAuthentic, Sa, address_bytes, checksum, esp_of, lower_ttl, rebuilt
from gateway import Gateway
from report import difference

LAN_MAC, HOST_MAC = bytes.fromhex("020000000101"), bytes.fromhex("020000000102")
WAN_MAC, PEER_MAC = bytes.fromhex("020000000201"), bytes.fromhex("020000000202")
MACS = {"lan": (HOST_MAC, LAN_MAC), "wan": (PEER_MAC, WAN_MAC)}  # where what leaves goes to, and comes from
LAN4, LAN6 = "10.1.255.1", "2001:db8:1:ffff::1"
WAN4, PEER4 = "192.0.2.1", "192.0.2.2"
WAN6, PEER6 = "2001:db8:f::1", "2001:db8:f::2"
INTERNET4, INTERNET6 = "198.51.100.7", "2001:db8:e::7"

TAG = re.compile(rb"<T[0-9a-f]{6}>")
BURST = 128  # frames that the gateway takes in at most before it works on them


def mac_text(mac):
    return ":".join(f"{byte:02x}" for byte in mac)


def ether(destination, source, ip):
    return destination + source + (b"\x86\xdd" if ip[0] >> 4 == 6 else b"\x08\x00") + ip


def inner_addresses(number, family, outbound=True):
    """Source and destination of the traffic of tunnel number."""
    if family == 6:
        ours, theirs = f"2001:db8:1:{number:x}::5", f"2001:db8:2:{number:x}::5"
    else:
        ours, theirs = f"10.1.{number}.5", f"10.2.{number}.5"
    return (ours, theirs) if outbound else (theirs, ours)


def inner_networks(number, family):
    if family == 6:
        return f"2001:db8:1:{number:x}::/64", f"2001:db8:2:{number:x}::/64"
    return f"10.1.{number}.0/24", f"10.2.{number}.0/24"


def ip_packet(source, destination, payload, proto=None, tos=0, ttl=61, df=False, ident=1, fragment=0, more=False,
              flow=0, options=b""):
    """An IP packet of the addresses' family around a scapy layer or bytes; checksums computed by scapy."""
    if ":" in source:
        packet = IPv6(src=source, dst=destination, tc=tos, hlim=ttl, fl=flow)
        if proto is not None:
            packet.nh = proto
    else:
        packet = IP(src=source, dst=destination, tos=tos, ttl=ttl, id=ident, frag=fragment,
                    flags=("DF" if df else 0) if not more else "MF")
        if options:
            packet.options = options
        if proto is not None:
            packet.proto = proto
    return bytes(packet / payload)


def udp_packet(source, destination, data, sport=1000, dport=2000, **header):
    return ip_packet(source, destination, UDP(sport=sport, dport=dport) / Raw(data), **header)


def tcp_packet(source, destination, data, sport=1000, dport=2000, **header):
    return ip_packet(source, destination, TCP(sport=sport, dport=dport, flags="PA") / Raw(data), **header)


def echo_packet(source, destination, data, kind=8, code=0, **header):
    if ":" in source:
        return ip_packet(source, destination, ICMPv6EchoRequest(type=128 if kind == 8 else kind, code=code, data=data),
                         **header)
    return ip_packet(source, destination, ICMP(type=kind, code=code) / Raw(data), **header)


# --- what came out

@dataclasses.dataclass
class Seen:
    """One packet that left, put together again where it was cut."""

    port: str
    packet: bytes  # the IP packet on the wire
    pieces: list  # the fragments it came in; itself alone when it was whole
    sa: object = None
    opened: object = None  # what was inside, esp.Opened
    sequence: int = 0  # all 64 bits
    inner: bytes = b""
    inner_pieces: list = dataclasses.field(default_factory=list)
    problem: str = ""

    def text(self):
        what = f"ESP of SA {self.sa.name} sequence {self.sequence}, inside {self.inner.hex()}" if self.sa else \
            self.packet.hex()
        return f"{self.port}: {len(self.packet)} bytes: {what[:300]} {self.problem}"


def is_fragment(packet):
    if packet[0] >> 4 == 6:
        return packet[6] == 44
    return bool(struct.unpack_from("!H", packet, 6)[0] & 0x3FFF)


class Reassembler:
    """Puts fragments of both families together; obvious and slow."""

    def __init__(self):
        self.parts = collections.defaultdict(list)

    def add(self, packet):
        """(whole packet, its pieces), or None while some are missing."""
        if not is_fragment(packet):
            return packet, [packet]
        if packet[0] >> 4 == 6:
            offset_more, ident = struct.unpack_from("!HI", packet, 42)
            key, header = (packet[8:40], ident), packet[:40]
            offset, more, data = offset_more & ~7, offset_more & 1, packet[48:]
            restore = header[:6] + bytes((packet[40],)) + header[7:]
        else:
            length = (packet[0] & 15) * 4
            flags = struct.unpack_from("!H", packet, 6)[0]
            key, header = (packet[12:20], packet[9], packet[4:6]), packet[:length]
            offset, more, data = (flags & 0x1FFF) * 8, flags & 0x2000, packet[length:]
            restore = header[:6] + b"\0\0" + header[8:]
        parts = self.parts[key]
        parts.append((offset, more, data, packet, restore))
        parts.sort(key=lambda part: part[0])
        if parts[0][0] or parts[-1][1]:
            return None
        payload = b""
        for offset, _, data, _, _ in parts:
            if offset != len(payload):
                return None
            payload += data
        del self.parts[key]
        return self._whole(parts[0][4], payload), [part[3] for part in parts]

    @staticmethod
    def _whole(header, payload):
        if header[0] >> 4 == 6:
            return header[:4] + struct.pack("!H", len(payload)) + header[6:] + payload
        header = header[:2] + struct.pack("!H", len(header) + len(payload)) + header[4:10] + b"\0\0" + header[12:]
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


# --- what should come out

class Want:
    port = ""

    def wrong(self, seen):
        """Why seen is not what was wanted; empty when it is."""
        raise NotImplementedError


class Plain(Want):
    """This packet, in clear, on this port."""

    def __init__(self, port, packet):
        self.port, self.packet = port, packet

    def wrong(self, seen):
        if seen.sa:
            return "it left sealed and should have left in clear"
        return "" if seen.packet == self.packet else difference(seen.packet, self.packet)


class Esp(Want):
    """This packet inside ESP of this SA; look(seen) says what else is wrong, or nothing."""

    port = "wan"

    def __init__(self, sa, inner, look=None):
        self.sa, self.inner, self.look = sa, inner, look

    def wrong(self, seen):
        if seen.sa is not self.sa:
            return f"it should have left by SA {self.sa.name}"
        if seen.inner != self.inner:
            return difference(seen.inner, self.inner)
        return self.look(seen) or "" if self.look else ""


class Icmp(Want):
    """An ICMP error about this packet: type, code, MTU and its sender."""

    def __init__(self, port, about, kind, code, mtu=0, source=None, sa=None):
        self.port, self.about, self.kind, self.code, self.mtu, self.sa = port, about, kind, code, mtu, sa
        self.source = source or (LAN6 if about[0] >> 4 == 6 else LAN4)

    def wrong(self, seen):
        if seen.sa is not self.sa:
            return "the ICMP error should have left " + (f"by SA {self.sa.name}" if self.sa else "in clear")
        packet = seen.inner if self.sa else seen.packet
        if packet[0] >> 4 == 6:
            source, destination, icmp, protocol = packet[8:24], packet[24:40], packet[40:], packet[6]
            sender, want_protocol = self.about[8:24], 58
            pseudo = packet[8:40] + struct.pack("!IBBBB", len(icmp), 0, 0, 0, 58)
            mtu = struct.unpack_from("!I", icmp, 4)[0] if len(icmp) >= 8 else -1
        else:
            if checksum(packet[:20]):
                return "the IPv4 header checksum of the ICMP error is wrong"
            source, destination, icmp, protocol = packet[12:16], packet[16:20], packet[20:], packet[9]
            sender, want_protocol, pseudo = self.about[12:16], 1, b""
            mtu = struct.unpack_from("!H", icmp, 6)[0] if len(icmp) >= 8 else -1
        quote = icmp[8:]
        for what, got, expected in (
                ("protocol", protocol, want_protocol), ("source", source, address_bytes(self.source)),
                ("destination", destination, sender), ("type and code", (icmp[0], icmp[1]), (self.kind, self.code)),
                ("MTU", mtu, self.mtu), ("checksum over the message", checksum(pseudo + icmp), 0)):
            if got != expected:
                return f"{what} of the ICMP error: expected {expected!r}, got {got!r}"
        # A router may or may not have lowered the TTL when it finds that the packet cannot go on.
        forms = [self.about] + ([lower_ttl(self.about)] if self.about[7 if self.about[0] >> 4 == 6 else 8] else [])
        if len(quote) < min(len(self.about), 28) or not any(form.startswith(quote) for form in forms):
            return "the ICMP error quotes another packet:\n" + difference(quote, self.about[:len(quote)])
        return ""


@dataclasses.dataclass
class Probe:
    name: str
    tag: bytes
    wants: list = dataclasses.field(default_factory=list)

    def judge(self, seen):
        """What is wrong with all that carries this probe's tag; empty when nothing is."""
        problems = [f"{one.text()}: {one.problem}" for one in seen if one.problem]
        if len(seen) != len(self.wants):
            came = "\n".join(one.text() for one in seen) or "nothing"
            problems.append(f"{len(self.wants)} packets expected, {len(seen)} came:\n{came}")
        for want, one in zip(self.wants, seen):
            if one.port != want.port:
                problems.append(f"expected on {want.port}, came on {one.port}")
            wrong = want.wrong(one)
            if wrong:
                problems.append(f"{wrong}\n  {one.text()}")
        return "\n".join(problems)


class Session:
    """Collects SAs, policies and probes, runs them through one daemon and reports."""

    def __init__(self, report, name, mtu=1500, wan_mtu=None, workers=(0,), config=None, lan=None, wan=None):
        self.report, self.name = report, name
        self.sas, self.policies, self.probes = [], [], []
        self.drops = collections.Counter()
        self.seen = collections.defaultdict(list)  # tag: [Seen]
        self.order = collections.defaultdict(list)  # port: [Seen], as they left
        self.config = {
            "log": {"level": "info"},
            "memory": {"huge": False, "size_mb": 192, "buffers": 16384},
            "workers": {"cpus": tuple(workers), "idle": "sleep"},
            "builtin_policies": False,
            "ports": [
                {"name": "lan", "side": "protected", "mtu": mtu, "mac": mac_text(LAN_MAC), "tap": False,
                 "addresses": (f"{LAN4}/24", f"{LAN6}/64")} | (lan or {}),
                {"name": "wan", "side": "unprotected", "mtu": wan_mtu or mtu, "mac": mac_text(WAN_MAC), "tap": False,
                 "addresses": (f"{WAN4}/24", f"{WAN6}/64")} | (wan or {}),
            ],
            "neighbours": [
                {"port": "lan", "address": "10.1.255.2", "mac": mac_text(HOST_MAC)},
                {"port": "lan", "address": "2001:db8:1:ffff::2", "mac": mac_text(HOST_MAC)},
                {"port": "wan", "address": PEER4, "mac": mac_text(PEER_MAC)},
                {"port": "wan", "address": PEER6, "mac": mac_text(PEER_MAC)},
            ],
            "routes": [
                {"destination": "10.1.0.0/16", "gateway": "10.1.255.2", "port": "lan"},
                {"destination": "2001:db8:1::/48", "gateway": "2001:db8:1:ffff::2", "port": "lan"},
                {"destination": "198.51.100.0/24", "gateway": PEER4, "port": "wan"},
                {"destination": "2001:db8:e::/48", "gateway": PEER6, "port": "wan"},
            ],
        }
        for key, value in (config or {}).items():
            if isinstance(value, dict):
                self.config.setdefault(key, {}).update(value)
            else:
                self.config[key] = value
        self.inputs = []  # (port, frame)
        self.gateway = None

    # --- configuration

    def sa(self, name, direction, spi, reqid, outer=4, **rest):
        ours, theirs = (WAN6, PEER6) if outer == 6 else (WAN4, PEER4)
        source, destination = (ours, theirs) if direction == "out" else (theirs, ours)
        sa = Sa(name, direction, spi, source, destination, reqid, **rest)
        self.sas.append(sa)
        return sa

    def policy(self, direction, action, source, destination, priority=1000, reqid=None, name="", more=None, **selector):
        """more: other members of the policy than those of its selector."""
        policy = {"direction": direction, "action": action, "priority": priority,
                  "selector": {"source": source, "destination": destination} | selector} | (more or {})
        if reqid is not None:
            policy["reqid"] = reqid
        if name:
            policy["name"] = name
        self.policies.append(policy)

    def tunnel(self, number, inner=4, outer=4, out_options=None, in_options=None, **rest):
        """A pair of SAs and the policies that lead networks number into them: (outbound SA, inbound SA)."""
        ours, theirs = inner_networks(number, inner)
        out_sa = self.sa(f"out{number}", "out", 0x1000 + number, number + 1, outer, options=out_options or {}, **rest)
        in_sa = self.sa(f"in{number}", "in", 0x2000 + number, number + 1, outer, options=in_options or {}, **rest)
        self.policy("out", "protect", ours, theirs, reqid=number + 1)
        self.policy("in", "protect", theirs, ours, reqid=number + 1)
        return out_sa, in_sa

    def ah_pair(self, number, algorithm, mode="tunnel", family=4, inner=None, out_options=None, in_options=None, **rest):
        """The same with AH, in transport mode between hosts: (outbound SA, inbound SA, the traffic's addresses)."""
        if mode == "tunnel":
            ends = (WAN6, PEER6) if family == 6 else (WAN4, PEER4)
            hosts, networks = inner_addresses(number, inner or family), inner_networks(number, inner or family)
        else:
            ours = inner_addresses(number, family)[0]
            hosts = networks = ends = (ours, f"2001:db8:e::{number + 0x100:x}" if family == 6
                                       else f"198.51.100.{number + 10}")
        made = []
        for direction, spi, (source, destination) in (("out", 0x1000, ends), ("in", 0x2000, ends[::-1])):
            options = out_options if direction == "out" else in_options
            made.append(AhSa(f"{direction}{number}", direction, spi + number, source, destination, number + 1, algorithm,
                             mode=mode, options=options or {}, **rest))
        self.sas += made
        self.policy("out", "protect", *networks, reqid=number + 1)
        self.policy("in", "protect", *networks[::-1], reqid=number + 1)
        return *made, hosts

    # --- probes

    def probe(self, name, *wants):
        probe = Probe(name, b"<T%06x>" % len(self.probes), list(wants))
        self.probes.append(probe)
        return probe

    def lan(self, ip):
        self.inputs.append(("lan", ether(LAN_MAC, HOST_MAC, ip)))

    def wan(self, ip):
        self.inputs.append(("wan", ether(WAN_MAC, PEER_MAC, ip)))

    def frame(self, port, frame):
        self.inputs.append((port, frame))

    def drop(self, reason, count=1):
        self.drops[reason] += count

    def gap(self, port):
        """Frames for somebody else, so many that what follows is taken in later than what came before."""
        stranger = ether(bytes.fromhex("0200000000fe"), bytes.fromhex("0200000000ff"), bytes(46))
        for _ in range(BURST):
            self.inputs.append((port, stranger))
        self.drop("eth_not_for_us", BURST)

    def out(self, name, sa, packet, wants=None, look=None):
        """A packet from the host that must leave in that SA, TTL lowered."""
        probe = self.probe(name)
        packet = packet(probe.tag) if callable(packet) else packet
        probe.wants = [Esp(sa, lower_ttl(packet), look)] if wants is None else wants(packet)
        self.lan(packet)
        return probe

    def out_drop(self, name, reason, packet, wants=None):
        probe = self.probe(name)
        packet = packet(probe.tag) if callable(packet) else packet
        probe.wants = wants(packet) if wants else []
        self.lan(packet)
        self.drop(reason)

    # --- the run

    def run(self, sig=None, states=()):
        self.config["sas"] = [sa.config() for sa in self.sas]
        self.config["policies"] = self.policies
        self.gateway = Gateway(self.name, self.config, alone="interfaces" in self.config)
        for port, frame in self.inputs:
            self.gateway.feed(port, frame)
        arguments = {"sig": sig} if sig else {}
        self.gateway.run(states, **arguments)
        self.sort_outputs()
        return self

    def sort_outputs(self):
        outbound = {(sa.protocol, sa.spi, address_bytes(sa.destination)): sa for sa in self.sas if sa.direction == "out"}
        last = {sa.name: int(sa.config().get("sequence", 0)) for sa in self.sas}
        inner_parts, alone = Reassembler(), {}
        for port, frames in self.gateway.outputs.items():
            outer_parts = Reassembler()
            for frame in frames:
                problem = self._frame_problem(port, frame)
                whole = outer_parts.add(frame[14:])
                if whole is None:
                    continue
                seen = Seen(port, *whole, problem=problem)
                if self._open(seen, outbound, last) and is_fragment(seen.inner):
                    inner = inner_parts.add(seen.inner)
                    alone[seen.inner] = seen
                    if inner is None:
                        continue
                    for piece in inner[1]:
                        del alone[piece]
                    seen.inner, seen.inner_pieces = inner
                self._sort_one(seen)
            for parts in outer_parts.parts.values():
                for part in parts:
                    self._sort_one(Seen(port, part[3], [part[3]]))
        # A fragment without the rest came alone, or the gateway lost some: either is for its probe to judge.
        for seen in alone.values():
            self._sort_one(seen)

    def _sort_one(self, seen):
        self.order[seen.port].append(seen)
        tags = TAG.findall(seen.inner or seen.packet)
        self.seen[tags[0] if tags else b""].append(seen)

    @staticmethod
    def _frame_problem(port, frame):
        destination, source = MACS[port]
        if frame[:6] != destination or frame[6:12] != source:
            return f"MAC addresses {frame[:6].hex()} {frame[6:12].hex()}, not {destination.hex()} {source.hex()}"
        kind, version = frame[12:14], frame[14] >> 4
        if (kind, version) not in ((b"\x08\x00", 4), (b"\x86\xdd", 6)):
            return f"Ethernet type {kind.hex()} around IP version {version}"
        return ""

    @staticmethod
    def _open(seen, outbound, last):
        """Opens ESP or AH where it is some; the upper half of its number follows from the numbers before it."""
        esp, ah = esp_of(seen.packet), ah_of(seen.packet)
        if not esp and not ah:
            return False
        destination = seen.packet[24:40] if seen.packet[0] >> 4 == 6 else seen.packet[16:20]
        if esp and len(esp) < 8:
            return False  # whatever it is, it is no ESP
        spi, low = struct.unpack_from("!II", esp or ah[4:])
        sa = outbound.get(("esp" if esp else "ah", spi, destination))
        if not sa:
            seen.problem = f"{'ESP' if esp else 'AH'} of no SA that is known"
            return False
        before = last[sa.name]
        high = (before >> 32) + (1 if sa.esn and low <= before & 0xFFFFFFFF and before & 0xFFFFFFFF > 1 << 31 else 0)
        try:
            if ah:
                seen.inner = sa.open(seen.packet, high)[1]
            else:
                seen.opened = sa.open(esp, high)
                seen.inner = seen.opened.inner
                if sa.transport:
                    seen.inner = rebuilt(seen.packet, seen.inner, seen.opened.next_header)
            seen.sa, seen.sequence = sa, high << 32 | low
            seen.inner_pieces = [seen.inner]
            last[sa.name] = max(before, seen.sequence)
            if seen.opened and seen.opened.next_header == 59:
                seen.inner, seen.inner_pieces = b"", []  # a dummy packet: what is in seen.opened is no packet
                return False
        except NotAuthentic as error:
            seen.problem = str(error)
            return False
        return True

    def judge(self):
        """Every probe, and what every session has to keep."""
        report = self.report
        for probe in self.probes:
            problem = probe.judge(self.seen.pop(probe.tag, []))
            report.check(probe.name, not problem, problem)
        self.judge_rest()

    def judge_rest(self):
        report, gateway = self.report, self.gateway
        rest = [seen for many in self.seen.values() for seen in many]
        report.check(f"{self.name}: nothing else leaves", not rest, lambda: "\n".join(one.text() for one in rest[:8]))
        expected = {reason: count for reason, count in sorted(self.drops.items()) if count}
        report.equal(f"{self.name}: drops and their reasons", dict(sorted(gateway.drops.items())), expected)
        report.equal(f"{self.name}: frames taken in", {name: port["rx_packets"] for name, port in gateway.ports.items()},
                     {name: len(frames) for name, frames in gateway.frames.items()})
        report.equal(f"{self.name}: exit code", gateway.exit_code, 0)
        report.check(f"{self.name}: every packet buffer is returned",
                     "packet buffers of pool buffers were returned" in gateway.log
                     and "were not returned" not in gateway.log, gateway.log[-1500:])
        report.no_complaint(f"{self.name}: no sanitizer complains", gateway.log)
