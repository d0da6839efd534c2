# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Frames that a network has beside transit traffic, broken ones, and thousands of mutants between good packets."""

import random
import struct

from esp import checksum, lower_ttl
from session import (HOST_MAC, INTERNET4, LAN4, LAN6, LAN_MAC, PEER_MAC, WAN4, WAN_MAC, Esp, Session, echo_packet,
                     ether, inner_addresses, ip_packet, udp_packet)

# conformance: A13, M1, M4
BROADCAST = b"\xff" * 6


def plain(report):
    session = Session(report, "frames")
    sa, _ = session.tunnel(0)
    six, _ = session.tunnel(1, 6, 6)
    ours = inner_addresses(0, 4)
    good = udp_packet(*ours, bytes(40))

    def frame(name, reason, data, port="lan"):
        session.probe(name)
        session.frame(port, data)
        session.drop(reason)

    def packet(name, reason, data):
        frame(name, reason, ether(LAN_MAC, HOST_MAC, data))

    def changed(offset, data, fix=True):
        result = bytearray(good)
        result[offset:offset + len(data)] = data
        if fix:
            result[10:12] = b"\0\0"
            result[10:12] = struct.pack("!H", checksum(bytes(result[:20])))
        return bytes(result)

    # Ethernet
    for size in (1, 6, 13):
        frame(f"a frame of {size} bytes", "eth_runt", ether(LAN_MAC, HOST_MAC, good)[:size])
    frame("another destination MAC address", "eth_not_for_us", ether(PEER_MAC, HOST_MAC, good))
    frame("VLAN tag", "eth_vlan", LAN_MAC + HOST_MAC + b"\x81\0\0\x05\x08\0" + good)
    frame("two VLAN tags", "eth_vlan", LAN_MAC + HOST_MAC + b"\x88\xa8\0\x05\x81\0\0\x06\x08\0" + good)
    for name, kind, destination in (("ARP", b"\x08\x06", BROADCAST), ("LLDP", b"\x88\xcc", b"\1\x80\xc2\0\0\x0e"),
                                    ("an unknown type", b"\x12\x34", LAN_MAC)):
        frame(f"{name}, and no TAP", "punt_no_tap", destination + HOST_MAC + kind + bytes(46))
    frame("no IP behind the header", "ip_truncated", LAN_MAC + HOST_MAC + b"\x08\0")
    frame("IPv6 type around IPv4", "ip_version", LAN_MAC + HOST_MAC + b"\x86\xdd" + good + bytes(20))
    frame("IPv4 type around IPv6", "ip_version",
          LAN_MAC + HOST_MAC + b"\x08\0" + udp_packet(*inner_addresses(1, 6), bytes(9)))
    # IP headers
    packet("wrong header checksum", "ip_checksum", changed(10, b"\xab\xcd", fix=False))
    packet("header length 4", "ip_header", changed(0, b"\x44"))
    packet("header length beyond the packet", "ip_truncated", changed(0, b"\x4f")[:40])
    packet("version 0", "ip_version", changed(0, b"\x05"))
    packet("total length beyond the frame", "ip_truncated", changed(2, struct.pack("!H", 2000)))
    packet("total length below the header", "ip_header", changed(2, struct.pack("!H", 12)))
    packet("source broadcast", "ip_address", changed(12, b"\xff" * 4))
    packet("source loopback", "ip_address", changed(12, b"\x7f\0\0\1"))
    packet("source multicast", "ip_address", changed(12, b"\xe0\0\0\1"))
    packet("source is the gateway's own address", "ip_address", changed(12, bytes((10, 1, 255, 1))))
    packet("destination loopback", "ip_address", changed(16, b"\x7f\0\0\1"))
    # For the box or the link, and there is no TAP
    for name, data in (("ping to the gateway", echo_packet("10.1.255.2", LAN4, b"x" * 20)),
                       ("ping to the gateway, IPv6", echo_packet("2001:db8:1:ffff::2", LAN6, b"x" * 20)),
                       ("ping to the address of the other port", echo_packet("10.1.255.2", WAN4, b"x" * 20)),
                       ("multicast", udp_packet("10.1.255.2", "224.0.0.5", b"x" * 20, ttl=1)),
                       ("broadcast", udp_packet("10.1.255.2", "255.255.255.255", b"x" * 20)),
                       ("IPv6 multicast", udp_packet("2001:db8:1:ffff::2", "ff02::5", b"x" * 20, ttl=1))):
        packet(f"{name}, and no TAP", "punt_no_tap", data)
    # Ethernet's padding never becomes payload.
    probe = session.probe("short packet with padding behind")
    short = ip_packet(*ours, probe.tag, proto=253)

    probe.wants = [Esp(sa, lower_ttl(short))]
    session.lan(short + b"\xee" * (60 - len(short)))
    # What passes all the same
    session.out("payload that looks like a fragment", sa,
                lambda tag: ip_packet(*ours, tag * 4, proto=17, fragment=40, ident=5))
    session.out("IPv6 after all that", six, lambda tag: udp_packet(*inner_addresses(1, 6), tag))
    session.out("IPv4 after all that", sa, lambda tag: udp_packet(*ours, tag))
    session.run().judge()


# conformance: M10
def mutants(report):
    """Mutated frames both ways, a good one every ten: all good ones pass, in order, and every frame is accounted for."""
    source = random.Random(4303)
    session = Session(report, "mutants", config={"limits": {"icmp_pps": 1000000}})
    out_sa, in_sa = session.tunnel(0)
    six_out, six_in = session.tunnel(1, 6, 6)
    session.policy("out", "bypass", "10.1.0.0/16", "198.51.100.0/24")
    expected = {"lan": [], "wan": []}

    def mutate(frame):
        frame = bytearray(frame)
        for _ in range(source.randint(1, 4)):
            what = source.randrange(4)
            at = source.randrange(len(frame))
            if what == 0:
                frame[at] ^= 1 << source.randrange(8)
            elif what == 1:
                frame[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF))
            elif what == 2:
                frame = frame[:max(15, at)]
            else:
                frame[at:at] = source.randbytes(source.randrange(1, 40))
        return bytes(frame[:1514])

    for number in range(1, 401):
        out_sa_now, in_sa_now, family = (out_sa, in_sa, 4) if number % 2 else (six_out, six_in, 6)
        tunnel = 0 if family == 4 else 1
        size = source.randrange(20, 900)
        outward = udp_packet(*inner_addresses(tunnel, family), b"GOOD%06d" % number + source.randbytes(size))
        inward = udp_packet(*inner_addresses(tunnel, family, outbound=False),
                            b"GOOD%06d" % number + source.randbytes(size))
        # Mutants have numbers of their own near by, because one whose outer header alone was changed is authentic.
        sealed = in_sa_now.outer(in_sa_now.seal(2 * number, inward))
        victim = in_sa_now.outer(in_sa_now.seal(2 * number + 1, inward[:28] + b"MUTANT" + inward[38:]))
        bypassed = udp_packet("10.1.0.5", INTERNET4, b"MUTANT")
        clear = udp_packet(*inner_addresses(tunnel, family), b"MUTANT" + source.randbytes(size))
        for _ in range(9):
            session.frame("lan", mutate(ether(LAN_MAC, HOST_MAC, source.choice((clear, bypassed)))))
            session.frame("wan", mutate(ether(WAN_MAC, PEER_MAC, source.choice((victim, victim, clear)))))
        session.lan(outward)
        session.wan(sealed)
        expected["wan"].append((out_sa_now.name, lower_ttl(outward)))
        expected["lan"].append(lower_ttl(inward))
    session.run()
    got_wan = [(seen.sa.name, seen.inner) for seen in session.order["wan"] if seen.sa and b"GOOD" in seen.inner]
    got_lan = [seen.packet for seen in session.order["lan"] if b"GOOD" in seen.packet[20:70]
               and seen.packet in set(expected["lan"])]
    report.check("good packets out", got_wan == expected["wan"],
                 lambda: f"{len(expected['wan'])} expected, {len(got_wan)} came")
    report.check("good packets in", got_lan == expected["lan"],
                 lambda: f"{len(expected['lan'])} expected, {len(got_lan)} came, {len(set(expected['lan']) - set(got_lan))} missing; "
                 f"drops {session.gateway.drops}")
    gateway = session.gateway
    leaked = [seen for seen in session.order["wan"] if not seen.sa and seen.packet[16:20] != bytes((198, 51, 100, 7))
              and seen.packet[:1] == b"\x45" and seen.packet[16:19] != bytes((198, 51, 100))]
    report.check("nothing but ESP and bypassed traffic leaves", not leaked, lambda: leaked[0].text())
    report.equal("exit code", gateway.exit_code, 0)
    report.equal("frames taken in", {name: port["rx_packets"] for name, port in gateway.ports.items()},
                 {name: len(frames) for name, frames in gateway.frames.items()})
    # An ICMP error is one packet more; the packet that it is about is counted as dropped.
    errors = sum(1 for seen in session.order["lan"] if seen.packet not in set(expected["lan"]) and is_icmp_error(seen))
    fragments = sum(len(seen.pieces) - 1 for many in session.order.values() for seen in many)
    taken = sum(port["rx_packets"] for port in gateway.ports.values())
    sent = sum(len(frames) for frames in gateway.outputs.values())
    report.equal("every frame left or is counted as dropped", sent - errors - fragments + sum(gateway.drops.values()),
                 taken)
    report.check("every packet buffer is returned", "packet buffers of pool buffers were returned" in gateway.log
                 and "were not returned" not in gateway.log, gateway.log[-1500:])
    report.no_complaint("no sanitizer complains", gateway.log)


def is_icmp_error(seen):
    packet = seen.packet
    if packet[0] >> 4 == 6:
        return packet[6] == 58 and packet[40] in (1, 2, 3, 4)
    return packet[9] == 1 and packet[20] in (3, 11, 12)


def run(report):
    plain(report)
    mutants(report)


