#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Every example of docs/control-api.md, in order, against a daemon: the reply has to be the one shown. The events shown
there have to come when their causes are given. No reply, event or log message holds a key."""

import itertools
import json
import re
import socket
import struct
import subprocess

from scapy.layers.inet import ICMP, IP
from scapy.packet import Raw

from control import ROOT, Daemon, Report, base_config, enter_namespace, finish
from esp import Sa

DOCUMENT = ROOT / "docs/control-api.md"
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^### (\w+\.\w+)$", re.MULTILINE)
ANY = "…"
AGE = 1  # seconds that a path MTU is believed: as short as may be
KEYS = "c0ffee"  # is in every key of the document, and in nothing else


def difference(expected, got, path=""):
    """Where got is not what the document shows, or None."""
    if expected == ANY:
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            if name == ANY:
                continue
            if name not in got:
                return f"{path}.{name} is missing"
            found = difference(value, got[name], f"{path}.{name}")
            if found:
                return found
        more = set(got) - set(expected)
        return None if ANY in expected or not more else f"{path} has {', '.join(sorted(more))} besides"
    if isinstance(expected, list) and isinstance(got, list):
        shown = expected[:-1] if expected and expected[-1] == ANY else expected
        if len(got) < len(shown) or (shown is expected and len(got) != len(shown)):
            return f"{path} has {len(got)} elements"
        for number, value in enumerate(shown):
            found = difference(value, got[number], f"{path}[{number}]")
            if found:
                return found
        return None
    same = type(expected) is type(got) and expected == got
    return None if same else f"{path} is {json.dumps(got, ensure_ascii=False)}, not {json.dumps(expected, ensure_ascii=False)}"


def read_examples():
    """Pairs of request text and expected reply, and the events."""
    examples, events, request = [], [], None
    for block in BLOCK.findall(DOCUMENT.read_text()):
        value = json.loads(block)
        if request is not None:
            examples.append((request, value))
            request = None
        elif isinstance(value, dict) and value.get("method") == "event":
            events.append(value)
        else:
            assert "\n" not in block.strip(), f"a request has to be one line: {block}"
            request = block.strip()
    assert request is None, f"a request without a reply: {request}"
    return examples, events


def udp_frame(destination_mac, source, destination):
    """Ethernet, IPv4, UDP from port 1000 to port 2000, without data."""
    def checksum(data):
        total = sum(struct.unpack(f">{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return ~total & 0xFFFF

    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, socket.inet_aton(source),
                         socket.inet_aton(destination))
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    mac = bytes.fromhex(destination_mac.replace(":", ""))
    return mac + bytes.fromhex("020000000009") + b"\x08\x00" + header + struct.pack(">HHHH", 1000, 2000, 8, 0)


class Host:
    """What is connected to a port."""

    def __init__(self, interface, mac):
        subprocess.run(["ip", "link", "set", interface, "up"], check=True)
        self.mac = mac
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((interface, 0))

    def send_to(self, destination):
        self.socket.send(udp_frame(self.mac, "10.1.0.9", destination))

    def send_esp(self, sa, sequence):
        """An authentic packet of sa in UDP; what is inside does not matter."""
        packet = sa.outer(sa.seal(sequence, b"", next_header=59))
        self.socket.send(bytes.fromhex(self.mac.replace(":", "")) + bytes.fromhex("020000000008") + b"\x08\x00" + packet)


    def send_too_big(self, source, destination, spi, sequence, mtu):
        """A router's ICMP error about an ESP packet from source to destination."""
        about = IP(src=source, dst=destination, proto=50, len=1500, flags="DF") / Raw(struct.pack(">II", spi, sequence))
        packet = bytes(IP(src="198.51.100.1", dst=source) / ICMP(type=3, code=4, nexthopmtu=mtu) / about)
        self.socket.send(bytes.fromhex(self.mac.replace(":", "")) + bytes.fromhex("020000000008") + b"\x08\x00" + packet)


def check_examples(report, line, examples):
    report.begin("the examples of docs/control-api.md")
    for text, expected in examples:
        reply = line.ask(text)
        found = difference(expected, reply)
        report.check(text[:100], found is None, f"{found}\n{json.dumps(reply, ensure_ascii=False)}")


def check_names(report, line):
    report.begin("the document and the daemon know the same methods")
    known = {method["name"] for method in line.call("method.list")["methods"]}
    report.equal("headings", sorted(HEADING.findall(DOCUMENT.read_text())), sorted(known))
    examples = {name for name in known if f'"method":"{name}"' in DOCUMENT.read_text()}
    report.equal("methods with an example", sorted(examples), sorted(known))


def provoke_mapping(line, listener, peer):
    """The peer sends from another address and port than its SA says, which does not follow or does."""
    for spi, follow in ((0x8002, False), (0x8003, True)):
        sa = Sa("moved", "in", spi, "192.0.2.2", "192.0.2.1", 8, key=bytes.fromhex(KEYS) + bytes(17),
                options={"encapsulation": {"source_port": 4500, "follow_peer": follow}})
        line.call("sa.add", **sa.config())
        sa.source, sa.options = "198.51.100.9", {"encapsulation": {"source_port": 61234}}
        sequence = itertools.count(1)
        listener.wait_event(lambda event: event["params"]["kind"] == "mapping" and event["params"]["followed"] == follow,
                            lambda: peer.send_esp(sa, next(sequence)))


def provoke_path_mtu(line, listener, host, peer):
    """A router tells of a packet that the gateway sent; later that is forgotten."""
    def is_told(learned):
        return lambda event: event["params"]["kind"] == "path_mtu" and event["params"]["learned"] == learned

    def send():
        host.send_to("10.9.0.1")
        peer.send_too_big("192.0.2.1", "192.0.2.2", 0x8004, 1, 1400)
    line.call("policy.add", direction="out", action="protect", reqid=9,
              selector={"source": "10.1.0.0/24", "destination": "10.9.0.0/24"})
    line.call("sa.add", direction="out", spi="0x8004", source="192.0.2.1", destination="192.0.2.2", reqid=9,
              encryption={"algorithm": "aes-gcm-16", "key": KEYS + "02" * 17})
    listener.wait_event(is_told(True), send)
    listener.wait_event(is_told(False))


def provoke_controller(listener, daemon):
    """An IKE daemon comes and goes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(str(daemon.xfrm_path))
        client.send(struct.pack("=IHHIIII16s", 40, 8, 0, 0, 0, 1, 1, b"charon-systemd"))
        client.send(struct.pack("=IHHIII", 20, 9, 0, 0, 0, 1))
        listener.wait_event(lambda event: event["params"].get("change") == "connected")
    listener.wait_event(lambda event: event["params"].get("change") == "gone")


def provoke_events(line, listener, host, peer):
    """What each kind of event comes from, repeated until it has come."""
    line.call("policy.add", direction="out", action="protect", reqid=7,
              selector={"source": "10.1.0.0/24", "destination": "10.7.0.0/24"})
    listener.wait_event(lambda event: event["params"]["kind"] == "acquire", lambda: host.send_to("10.7.0.1"))
    line.call("neighbour.add", port="wan", address="192.0.2.2", mac="02:00:00:00:00:02")
    line.call("policy.add", direction="out", action="protect", reqid=8,
              selector={"source": "10.1.0.0/24", "destination": "10.8.0.0/24"})
    line.call("sa.add", direction="out", spi="0x8001", source="192.0.2.1", destination="192.0.2.2", reqid=8,
              sequence="4294967285", encryption={"algorithm": "aes-gcm-16", "key": KEYS + "00" * 17})
    listener.wait_event(lambda event: event["params"].get("hard"), lambda: host.send_to("10.8.0.1"))
    provoke_mapping(line, listener, peer)
    provoke_path_mtu(line, listener, host, peer)
    subprocess.run(["ip", "link", "set", "apilan", "down"], check=True)
    listener.wait_event(lambda event: event["params"]["kind"] == "port")


def check_events(report, listener, events):
    report.begin("the events of docs/control-api.md")
    for expected in events:
        matching = [event for event in listener.events if difference(expected, event) is None]
        same_kind = [event for event in listener.events if event["params"]["kind"] == expected["params"]["kind"]]
        report.check(json.dumps(expected["params"])[:100], matching,
                     lambda found=same_kind: "\n".join(map(json.dumps, found[:5])) or "none of this kind came")


def check_unsubscribed(report, line):
    """The examples end with a subscription to events of SAs alone."""
    report.begin("subscriptions")
    line.events.clear()
    selector = {"source": "10.1.0.0/24", "destination": "10.9.0.0/24"}
    line.call("policy.add", direction="out", action="discard", selector=selector)
    line.call("policy.delete", direction="out", selector=selector)
    line.call("sa.add", direction="out", spi="0x9001", source="192.0.2.1", destination="192.0.2.2", reqid=9,
              encryption={"algorithm": "aes-gcm-16", "key": KEYS + "01" * 17})
    line.call("status.get")
    report.equal("only those subscribed to", [event["params"]["kind"] for event in line.events], ["sa"])


def main():
    enter_namespace()
    report = Report()
    examples, events = read_examples()
    config = base_config()
    config["ports"][1]["device"] = "net_tap1,iface=apiwan"
    config["path_mtu"] = {"age_seconds": AGE}
    with Daemon(config) as daemon:
        line, listener = daemon.line(), daemon.line()
        listener.call("event.subscribe")
        lan, wan = line.call("port.list")["ports"]
        host, peer = Host("apilan", lan["mac"]), Host("apiwan", wan["mac"])
        check_examples(report, line, examples)
        check_names(report, line)
        check_unsubscribed(report, line)
        provoke_events(line, listener, host, peer)
        provoke_controller(listener, daemon)
        check_events(report, listener, events)
        report.begin("the end")
        daemon.end(report)
        report.check("no key in any reply", not [text for text in line.seen + listener.seen if KEYS in text])
        report.check("no key in the log", KEYS not in daemon.log, lambda: daemon.log)
    finish(report)


if __name__ == "__main__":
    main()
