#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""A peer in UDP moves, as behind a NAT, and its outbound SAs go with it where the inbound one has follow_peer.

    host (raw socket) ── apilan ── port lan ── daemon ── port wan ── apiwan ── (raw socket) NAT, behind it the peer

conformance: J7, J12
"""

import itertools
import socket
import subprocess
import struct

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from control import Daemon, Line, Report, base_config, enter_namespace, finish, wait_for
from esp import Sa

ETH_P_IP = 0x0800
ROUTER = "02:00:00:00:00:02"
PLACES = (("192.0.2.2", 4500), ("198.51.100.9", 61234), ("198.51.100.9", 1024), ("203.0.113.1", 40000))


def raw_socket(interface):
    subprocess.run(["ip", "link", "set", interface, "up"], check=True)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, ETH_P_IP))
    wire.settimeout(0.05)
    return wire


class World:
    def __init__(self, line: Line):
        self.line = line
        lan, wan = line.call("port.list")["ports"]
        self.macs = {"lan": lan["mac"], "wan": wan["mac"]}
        self.lan, self.wan = raw_socket("apilan"), raw_socket("apiwan")
        self.sequence = itertools.count(1)
        self.last = {}
        self.place = PLACES[0]
        self.sas = []

    def sa(self, name, direction, spi, peer, reqid=1, **udp):
        ends = ("192.0.2.1", peer[0]) if direction == "out" else (peer[0], "192.0.2.1")
        udp |= {"destination_port": peer[1]} if direction == "out" else {"source_port": peer[1]}
        sa = Sa(name, direction, spi, *ends, reqid, options={"encapsulation": udp})
        assert "added" in (answer := self.line.call("sa.add", **sa.config())), answer
        self.sas.append(sa)
        return sa

    def _frame(self, port, packet):
        return bytes.fromhex(self.macs[port].replace(":", "")) + bytes.fromhex("020000000009") + b"\x08\x00" + packet

    def peer_sends(self, sa, place=None, sequence=None, forged=False):
        """An authentic packet from the place, or a forged one; what is inside does not matter."""
        esp = sa.seal(next(self.sequence) if sequence is None else sequence, b"", next_header=59)
        esp = esp[:-1] + bytes((esp[-1] ^ forged,))
        source, port = place or self.place
        packet = bytes(IP(src=source, dst="192.0.2.1") / UDP(sport=port, dport=4500) / Raw(esp))
        self.wan.send(self._frame("wan", packet))

    def host_sends(self, destination="10.2.0.9"):
        self.lan.send(self._frame("lan", bytes(IP(src="10.1.0.9", dst=destination) / UDP(dport=9) / Raw(b"hello"))))

    def sent(self, sa, wanted=None):
        """The next ESP packet of the SA on the wire, or the next to the wanted place, where others may be on their way: where it goes
        and its number; the host asks for it until it comes."""
        def next_one():
            self.host_sends()
            try:
                frame = self.wan.recv(2000)
            except TimeoutError:
                return None
            packet = frame[14:]
            if frame[12:14] != b"\x08\x00" or packet[9] != 17 or struct.unpack_from("!I", packet, 28)[0] != sa.spi:
                return None
            place = socket.inet_ntoa(packet[16:20]), struct.unpack_from("!H", packet, 22)[0]
            return (place, sa.open(packet[28:]).sequence) if wanted in (None, place) else None
        return wait_for(f"a packet of {sa.name}", next_one)

    def drain(self):
        self.wan.setblocking(False)
        try:
            while True:
                self.wan.recv(2000)
        except BlockingIOError:
            self.wan.settimeout(0.05)

    def where(self, sa):
        """(place that the SA's packets go to or come from) by sa.list."""
        for one in self.line.call("sa.list")["sas"]:
            if one["name"] == sa.name:
                udp = one["encapsulation"]
                return ((one["destination"], udp["destination_port"]) if sa.direction == "out"
                        else (one["source"], udp["source_port"]))
        return None


def is_mapping(old, new, followed):
    def wanted(event):
        params = event["params"]
        return (params["kind"] == "mapping" and params["followed"] == followed
                and (params["old"]["address"], params["old"]["port"]) == old
                and (params["new"]["address"], params["new"]["port"]) == new)
    return wanted


def check_follow(report, world, listener):
    report.begin("a peer is followed")
    here = PLACES[0]
    stranger = ("192.0.2.3", 4500)
    older = world.sa("older", "out", 0x1000, here)
    elsewhere = world.sa("elsewhere", "out", 0x1002, stranger)
    foreign = world.sa("foreign", "out", 0x1003, here, reqid=2)
    newest = world.sa("newest", "out", 0x1001, here)
    inbound = world.sa("in", "in", 0x2000, here, follow_peer=True)
    place, number = world.sent(newest)
    report.equal("at first it sends where its SA says", place, here)
    for before, after in zip(PLACES, PLACES[1:]):
        world.place = after
        event = listener.wait_event(is_mapping(before, after, True), lambda: world.peer_sends(inbound))
        report.check(f"an event tells of {after} and that it is followed", event)
        report.equal("the newest SA goes there", wait_for("the move", lambda: world.where(newest)), after)
        report.equal("and the older one", world.where(older), after)
        report.equal("the inbound SA knows it", world.where(inbound), after)
        report.equal("an SA to somebody else stays", world.where(elsewhere), stranger)
        report.equal("an SA of another reqid stays", world.where(foreign), here)
        world.drain()
        place, later = world.sent(newest, after)
        report.equal("packets go there", place, after)
        report.check("their numbers go on", later > number, f"{later} after {number}")
        number = later
    return inbound, newest


def check_disbelief(report, world, inbound, newest):
    report.begin("who is not believed")
    here, evil = world.place, ("198.51.100.66", 666)
    world.peer_sends(inbound, sequence=100)
    before = world.line.call("sa.get", direction="in", spi=inbound.spi, destination="192.0.2.1")["drops"]
    world.peer_sends(inbound, evil, sequence=101, forged=True)
    world.peer_sends(inbound, evil, sequence=99)
    world.peer_sends(inbound, evil, sequence=100)

    def seen():
        drops = world.line.call("sa.get", direction="in", spi=inbound.spi, destination="192.0.2.1")["drops"]
        return (drops.get("esp_integrity", 0) > before.get("esp_integrity", 0)
                and drops.get("esp_replay", 0) > before.get("esp_replay", 0))
    wait_for("the forged and the repeated packet", seen)
    report.equal("a forged packet, a late one and a copy move nothing", world.where(newest), here)


def check_haste(report, world, listener, inbound, newest):
    """Many changes at once are followed at last, not each."""
    report.begin("a peer that never stays")
    listener.events.clear()
    for port in range(50000, 50100):
        world.peer_sends(inbound, ("198.51.100.9", port), sequence=port)
    last = ("198.51.100.9", 50099)
    wait_for("the last place", lambda: world.where(newest) == last)
    listener.call("status.get")
    moves = [event for event in listener.events if event["params"]["kind"] == "mapping"]
    report.check("few moves for many places", 0 < len(moves) < 20, f"{len(moves)} moves")
    world.place = last


def check_deleted(report, world, inbound):
    report.begin("an SA that goes before its turn")
    for port in range(51000, 51010):
        world.peer_sends(inbound, ("198.51.100.9", port), sequence=port)
    report.equal("it is deleted", world.line.call("sa.flush"), {"deleted": len(world.sas)})


def main():
    enter_namespace()
    report = Report()
    config = base_config()
    config["ports"][1]["device"] = "net_tap1,iface=apiwan"
    config["neighbours"] = [{"port": "wan", "address": "192.0.2.2", "mac": ROUTER}]
    config["routes"] = [{"destination": "0.0.0.0/0", "gateway": "192.0.2.2", "port": "wan"}]
    config["policies"] = [{"direction": "out", "action": "protect", "reqid": 1,
                           "selector": {"source": "10.1.0.0/24", "destination": "10.2.0.0/24"}}]
    with Daemon(config) as daemon:
        line, listener = daemon.line(), daemon.line()
        listener.call("event.subscribe", kinds=["mapping"])
        world = World(line)
        inbound, newest = check_follow(report, world, listener)
        check_disbelief(report, world, inbound, newest)
        check_haste(report, world, listener, inbound, newest)
        check_deleted(report, world, inbound)
        report.begin("the end")
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
