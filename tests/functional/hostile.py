#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""What an attacker on the wire sends, and whether the gateway has accounted for all of it.

usage: hostile.py flood INTERFACE MAC KEY RATE   sends packets of every kind at RATE frames a second to the gateway with that
                                                 MAC address, until SIGTERM; prints what it sent, as JSON
       hostile.py account SENT BEFORE AFTER      compares that with `espctl --json drops all` and `port` before and after
       hostile.py sink | source ADDRESS COUNT    UDP that has to pass meanwhile; the sink answers each datagram

KEY is that of an SA which the attacker has too: a peer gone bad.
"""

import json
import os
import random
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "packet"))

GATEWAY4, PEER4, GATEWAY6, PEER6 = "192.0.2.1", "192.0.2.2", "2001:db8:f::1", "2001:db8:f::2"
HOSTILE_SPI, REAL_SPI4, REAL_SPI6 = 0xC0DE, 0xB004, 0xB006
UDP_PORT = 7001
PACKET_QDISC_BYPASS = 20  # so that the peer's own port does not see what leaves here

# kind: the reasons of which each of its packets has to be counted under one. Kinds that share reasons are added up.
KINDS = {
    "unknown": ("sa_unknown",),
    "reserved": ("esp_spi_reserved",),
    "forged": ("esp_integrity",),
    "padding": ("esp_padding",),
    "inner": ("esp_inner",),
    "next_header": ("esp_next_header",),
    "dummy": ("esp_dummy",),
    "wrong_sa": ("spd_in_wrong_sa",),
    "replay": ("esp_replay",),
    "runt": ("esp_runt",),
    "clear": ("spd_in_clear",),
    "no_policy": ("spd_in_no_policy",),
    "fragment": ("fragment_timeout", "fragment_evicted"),
    "tiny": ("fragment_tiny",),
    "overlap": ("fragment_overlap",),
    "path_mtu": ("icmp_path_mtu", "icmp_path_mtu_rate"),
    "keepalive": ("udp_keepalive",),
    "udp_length": ("udp_length",),
    "checksum": ("ip_checksum",),
    "header": ("ip_header",),
    "truncated": ("ip_truncated",),
    "version": ("ip_version",),
    "address": ("ip_address",),
    "vlan": ("eth_vlan",),
    "stranger": ("eth_not_for_us",),
    "punt": ("punt_rate", "punt_queue_full", "punted"),
}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(protocol, payload, source=PEER4, destination=GATEWAY4, length=None, first=0x45, wrong=0):
    header = struct.pack("!BBHHHBBH4s4s", first, 0, 20 + len(payload) if length is None else length, random.getrandbits(16), 0,
                         64, protocol, 0, socket.inet_aton(source), socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", checksum(header) ^ wrong) + header[12:] + payload


def ip6(protocol, payload, source=PEER6, destination=GATEWAY6, hops=64, length=None):
    return struct.pack("!IHBB", 6 << 28, len(payload) if length is None else length, protocol, hops) + socket.inet_pton(
        socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload


def udp(source, destination, payload, length=None):
    return struct.pack("!HHHH", source, destination, 8 + len(payload) if length is None else length, 0) + payload


def icmp6(kind, body, source, destination, hops):
    """ICMPv6 with a right checksum: the kernel looks."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + struct.pack(
        "!II", len(message), 58)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    return ip6(58, message, source, destination, hops)


class Attacker:
    def __init__(self, mac, key):
        from esp import GCM, Sa  # scapy takes a second: not for those who only count
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.sa = Sa("hostile", "in", HOSTILE_SPI, PEER4, GATEWAY4, 66, GCM, key=bytes.fromhex(key))
        self.sequence = 0

    def frame(self, packet, mac=None, source=b"\x02\0\0\0\x66\x66"):
        kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        return (mac or self.mac) + source + struct.pack("!H", kind) + packet

    def sealed(self, plaintext):
        """Authentic, whatever it holds."""
        self.sequence += 1
        return self.frame(ip4(50, self.sa.seal_raw(self.sequence, plaintext)))

    @staticmethod
    def garbage(spi):
        """ESP with a number far ahead and an ICV out of thin air."""
        return struct.pack("!II", spi, random.randrange(1 << 20, 1 << 32)) + os.urandom(92)

    def too_big(self):
        quote = ip4(50, struct.pack("!II", random.getrandbits(32), random.getrandbits(32)), GATEWAY4, PEER4,
                    length=1400)
        message = struct.pack("!BBHHH", 3, 4, 0, 0, 300) + quote
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        return self.frame(ip4(1, message))

    def too_big6(self):
        quote = ip6(50, struct.pack("!II", random.getrandbits(32), random.getrandbits(32)), GATEWAY6, PEER6,
                    length=1400)
        return self.frame(icmp6(2, struct.pack("!I", 1300) + quote, PEER6, GATEWAY6, 64))

    def arp(self):
        sender = f"192.0.2.{random.randrange(3, 255)}"
        mac = b"\x02\x66" + os.urandom(4)
        return b"\xff" * 6 + mac + b"\x08\x06" + struct.pack(
            "!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, socket.inet_aton(sender), bytes(6), socket.inet_aton(GATEWAY4))

    def neighbour(self):
        """A neighbour solicitation from somebody who is not there."""
        mac = b"\x02\x66" + os.urandom(4)
        source = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "2001:db8:f::")[:8] + os.urandom(8))
        body = bytes(4) + socket.inet_pton(socket.AF_INET6, GATEWAY6) + b"\x01\x01" + mac
        packet = icmp6(135, body, source, "ff02::1:ff00:1", 255)
        return b"\x33\x33\xff\0\0\x01" + mac + b"\x86\xdd" + packet

    def fragment(self, payload, source, number, offset, more):
        """Of ESP over IPv6: those of IPv4 the kernel puts together before AF_PACKET shows them."""
        header = struct.pack("!BBHI", 50, 0, offset | more, number)
        return self.frame(ip6(44, header + payload, source))

    def fragments(self):
        """First and later fragments whose others never come."""
        for offset, more in ((0, 1), (600, 1), (1200, 0)):
            source = f"2001:db8:66::{random.getrandbits(16):x}"
            yield self.fragment(self.garbage(REAL_SPI6) * 6, source, random.getrandbits(32), offset, more)

    def overlap(self):
        number, source = random.getrandbits(32), f"2001:db8:67::{random.getrandbits(16):x}"
        for offset in (0, 304):
            yield self.fragment(os.urandom(1280), source, number, offset, 1)

    def cycle(self):
        """Some of each kind, in any order."""
        inner = bytes(ip4(17, udp(1, 2, b"hiho"), "10.66.0.2", "10.1.0.2"))
        frames = [("unknown", self.frame(ip4(50, self.garbage(random.randrange(0x10000, 0x9FFFFFFF)))))] * 2
        frames += [("unknown", self.frame(ip6(50, self.garbage(random.randrange(0x10000, 0x9FFFFFFF)))))]
        frames += [("unknown", self.frame(ip4(51, b"\x32\x04\0\0" + self.garbage(random.randrange(0x10000, 0x9FFFFFFF)))))]
        frames += [("reserved", self.frame(ip4(50, self.garbage(random.randrange(256)))))]
        frames += [("forged", self.frame(ip4(50, self.garbage(REAL_SPI4)))) for _ in range(4)]
        frames += [("forged", self.frame(ip6(50, self.garbage(REAL_SPI6)[:8 + 16 + 48 + 16]))) for _ in range(4)]
        frames += [("padding", self.sealed(inner + bytes((9, 9, 9, 200))))]
        frames += [("padding", self.sealed(inner + b"\x07\x07\x02\x04"))]
        frames += [("inner", self.sealed(os.urandom(1) + bytes(37) + b"\0\x04"))]
        frames += [("next_header", self.sealed(inner + b"\x01\x02\x02\x11"))]
        frames += [("dummy", self.sealed(os.urandom(38) + b"\0\x3b"))]
        again = self.sealed(bytes(ip4(17, udp(1, 2, b"hiho"), "10.2.0.66", "10.1.0.2")) + b"\x01\x02\x02\x04")
        frames += [("wrong_sa", again)]
        frames += [("runt", self.frame(ip4(50, struct.pack("!II", REAL_SPI4, 9) + os.urandom(random.randrange(26)))))]
        frames += [("clear", self.frame(ip4(17, udp(1, 2, b"clear"), "10.2.0.2", "10.1.0.2")))]
        frames += [("no_policy", self.frame(ip4(1, b"\x08\0\xf7\xff\0\0\0\0", "203.0.113.5")))]
        frames += [("fragment", frame) for frame in self.fragments()]
        frames += [("tiny", self.fragment(os.urandom(8), "2001:db8:68::1", random.getrandbits(32), 0, 1))]
        frames += [("path_mtu", self.too_big()), ("path_mtu", self.too_big6())]
        frames += [("keepalive", self.frame(ip4(17, udp(4500, 4500, b"\xff"))))]
        frames += [("udp_length", self.frame(ip4(17, udp(4500, 4500, self.garbage(REAL_SPI4), 50))))]
        frames += [("checksum", self.frame(ip4(50, self.garbage(REAL_SPI4), wrong=0x1234)))]
        frames += [("header", self.frame(ip4(50, self.garbage(REAL_SPI4), first=0x44)))]
        frames += [("truncated", self.frame(ip4(50, self.garbage(REAL_SPI4), length=1400)))]
        frames += [("version", self.frame(ip4(50, self.garbage(REAL_SPI4), first=0x55)))]
        frames += [("address", self.frame(ip4(50, self.garbage(REAL_SPI4), "127.0.0.1")))]
        frames += [("vlan", self.mac + b"\x02\0\0\0\x66\x66\x81\0\0\x07\x08\0" + ip4(50, self.garbage(REAL_SPI4)))]
        frames += [("stranger", self.frame(ip4(50, self.garbage(REAL_SPI4)), b"\x02\x02\x02\x02\x02\x02"))]
        frames += [("punt", self.arp()) for _ in range(3)] + [("punt", self.neighbour()) for _ in range(3)]
        frames += [("punt", self.frame(ip4(17, udp(500, 500, os.urandom(100))))) for _ in range(3)]
        random.shuffle(frames)
        # What has to come after another.
        return frames + [("replay", again)] + [("overlap", frame) for frame in self.overlap()]


def flood(interface, mac, key, rate):
    attacker, sent, going = Attacker(mac, key), dict.fromkeys(KINDS, 0), [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.setsockopt(263, PACKET_QDISC_BYPASS, 1)  # SOL_PACKET
        wire.bind((interface, 0))
        started, total = time.monotonic(), 0
        while going:
            cycle = attacker.cycle()
            for kind, frame in cycle:
                wire.send(frame)
                sent[kind] += 1
            total += len(cycle)
            time.sleep(max(0.0, started + total / int(rate) - time.monotonic()))
    print(json.dumps(sent))
    return 0


def counters(path):
    """All drops by name, the port's counters, and the kernel's, of three objects in one file."""
    found = {}

    def look(value):
        if isinstance(value, dict):
            if isinstance(value.get("packets"), int) and "meaning" in value:
                found[value["name"]] = value["packets"]
            if value.get("name") == "wan" and "punted" in value:
                found.update({name: value[name] for name in ("rx_packets", "punted")})
            found.update({name: value[name] for name in ("kernel",) if name in value})
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                look(each)

    decoder = json.JSONDecoder()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        look(value)
        text = text[end:]
    return found


def account(sent, before, after):
    with open(sent, encoding="utf-8") as file:
        sent = json.load(file)
    before, after = counters(before), counters(after)
    more = {name: after[name] - before[name] for name in after}
    # A machine too busy to take frames from AF_PACKET in time loses some before the gateway sees them.
    unseen = more["kernel"] - more["rx_packets"]
    missing = 0
    for kind, reasons in KINDS.items():
        counted = sum(more[reason] for reason in reasons)
        # The host's own ARP and neighbour discovery are punted too.
        difference = max(0, sent[kind] - counted) if kind == "punt" else abs(sent[kind] - counted)
        missing += difference
        print(f"{kind}: {sent[kind]} sent, {counted} counted{' <-' if difference else ''}")
    print(f"{sum(sent.values())} sent, {more['rx_packets']} received in all, {unseen} never seen")
    # One fragment less makes two of its kind incomplete.
    return missing > 3 * unseen


def sink():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("::", UDP_PORT))
        print("ready", flush=True)
        while True:
            data, peer = receiver.recvfrom(2048)
            receiver.sendto(data, peer)


def source(address, count):
    """Prints how many datagrams came back."""
    back = set()
    family = socket.getaddrinfo(address, UDP_PORT)[0][0]
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.connect((address, UDP_PORT))
        for number in range(int(count) + 50):  # at the end only listening
            if number < int(count):
                sender.send(number.to_bytes(4, "big") + bytes(400))
            sender.settimeout(0.02)
            try:
                while True:
                    back.add(sender.recv(2048)[:4])
            except TimeoutError:
                pass
    print(len(back))
    return 0


if __name__ == "__main__":
    COMMANDS = {"flood": flood, "account": account, "sink": sink, "source": source}
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
