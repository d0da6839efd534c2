#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""What charon calls its SAs: the names stay with them wherever they move, and go to no other SA of the same SPI."""

import contextlib
import pathlib
import socket
import struct
import subprocess
import tempfile

import xfrm_wire as wire
from control import Daemon, Report, base_config, enter_namespace, finish, wait_for

SECTION, SECTION_END, VALUE, EVENT = b"\1", b"\2", b"\3", 7
HERE = "192.0.2.1"
SPI = 0x4001  # the peers choose outbound SPIs: here all the same


def short(text):
    return struct.pack("B", len(text)) + text.encode()


def section(name, *inside):
    return SECTION + short(name) + b"".join(inside) + SECTION_END


def value(name, text):
    return VALUE + short(name) + struct.pack("!H", len(text)) + text.encode()


def child_up(connection, child, peer):
    """A packet that tells of an outbound CHILD_SA to peer."""
    sas = section("child-sas", section(child + "-1", value("name", child), value("protocol", "ESP"),
                                       value("spi-out", f"{SPI:x}")))
    body = struct.pack("B", EVENT) + short("child-updown") + section(
        connection, value("local-host", HERE), value("remote-host", peer), sas)
    return struct.pack("!I", len(body)) + body


def names(line):
    """By destination."""
    return {sa["destination"]: (sa["connection"], sa["child"]) if "connection" in sa else None
            for sa in line.call("sa.list")["sas"]}


def check_moves(report, daemon, line, charon):
    report.begin("names")
    controller = wire.Controller(daemon, "charon")

    def put(peer, key):
        report.equal(f"an SA to {peer}", controller.ask(wire.NEWSA, wire.sa(HERE, peer, SPI, 1, key=key)), 0)

    def move(old, new, key):
        """As kernel-netlink does after a change of address."""
        report.equal(f"{old} goes", controller.ask(wire.DELSA, wire.sa_id(old, SPI)), 0)
        put(new, key)

    for number in (1, 2):
        put(f"198.51.100.{number}", number)
        charon.sendall(child_up(f"peer{number}", f"net{number}", f"198.51.100.{number}"))
    every = {"198.51.100.1": ("peer1", "net1"), "198.51.100.2": ("peer2", "net2")}
    wait_for("the names", lambda: names(line) == every)
    move("198.51.100.1", "198.51.100.11", 1)
    every["198.51.100.11"] = every.pop("198.51.100.1")
    report.equal("one moves (MOBIKE)", names(line), every)
    move("198.51.100.11", "198.51.100.12", 1)
    every["198.51.100.12"] = every.pop("198.51.100.11")
    report.equal("and again", names(line), every)
    line.call("sa.update", direction="out", spi=SPI, destination="198.51.100.2", new_destination="198.51.100.21")
    every["198.51.100.21"] = every.pop("198.51.100.2")
    report.equal("the other moves in place, as after a new NAT mapping", names(line), every)
    report.equal("one of them goes", controller.ask(wire.DELSA, wire.sa_id("198.51.100.12", SPI)), 0)
    every.pop("198.51.100.12")
    report.equal("the other is still called the same", names(line), every)
    controller.close()


def check_strangers(report, daemon, line):
    report.begin("an SA that charon has not told of")
    controller = wire.Controller(daemon, "charon")
    # The name of the one that went is free, and would pass to the first that comes.
    put = [controller.ask(wire.NEWSA, wire.sa(HERE, f"203.0.113.{number}", SPI, 1, key=10 + number)) for number in (1, 2)]
    report.equal("two more of the same SPI", put, [0, 0])
    report.equal("the second has no name", names(line)["203.0.113.2"], None)
    report.equal("the known one keeps its own", names(line)["198.51.100.21"], ("peer2", "net2"))
    controller.close()


def main():
    enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    report = Report()
    with contextlib.ExitStack() as stack:
        path = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / "charon.vici"
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(wire.PATIENCE)
        daemon = stack.enter_context(Daemon(base_config() | {"control": {"vici_socket": str(path)}}))
        line, charon = daemon.line(), stack.enter_context(listener.accept()[0])
        check_moves(report, daemon, line, charon)
        check_strangers(report, daemon, line)
        report.begin("the end")
        daemon.end(report)
    finish(report)


main()
