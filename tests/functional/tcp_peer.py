# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""A peer with TCP encapsulation (RFC 9329) that shares no code with the gateway: Linux's TCP, framing in Python, ESP by
esp.py. It lives in a network namespace of its own at the other end of a cable to the gateway's unprotected port.

    raw socket on "apilan" ── net_tap ── lan ── daemon ── wan ── af_packet on u0 ══ veth ══ p0, another namespace
    10.1.0.9                             10.1.0.1         192.0.2.1, 2001:db8:f::1          192.0.2.2, 2001:db8:f::2
"""

import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import subprocess

from control import PATIENCE, wait_for

CLONE_NEWNET = 0x40000000
PREFIX = b"IKETCP"
MARKER = bytes(4)
GATEWAY = {4: "192.0.2.1", 6: "2001:db8:f::1"}
OTHER = "192.0.2.3"  # another address of the peer's
PEER = {4: "192.0.2.2", 6: "2001:db8:f::2"}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

libc = ctypes.CDLL(None, use_errno=True)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def quiet(interface):
    """The kernel leaves what comes in by the interface to the daemon."""
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").write_text("1")
    run("ip", "link", "set", interface, "arp", "off", "up")


class Namespace:
    """The peer's. Sockets that are made within it stay there."""

    def __init__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.away = os.open("/proc/self/ns/net", os.O_RDONLY)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "p0", "type", "veth", "peer", "name", "u0", "netns",
            f"/proc/{os.getpid()}/fd/{self.home}")
        # A veth leaves checksums and segments to a network card that is not there.
        run("ethtool", "-K", "p0", "tx", "off")
        run("ip", "address", "add", "192.0.2.2/24", "dev", "p0")
        run("ip", "address", "add", f"{OTHER}/24", "dev", "p0")
        run("ip", "address", "add", "2001:db8:f::2/64", "dev", "p0", "nodad")
        run("ip", "link", "set", "p0", "up")
        self._enter(self.home)

    @staticmethod
    def _enter(namespace):
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def within(self):
        self._enter(self.away)
        try:
            yield
        finally:
            self._enter(self.home)


def record(payload):
    return struct.pack("!H", len(payload) + 2) + payload


class Stream:
    """One connection with the gateway, as the peer has it."""

    def __init__(self, connection):
        connection.settimeout(PATIENCE)
        self.socket = connection
        self.pending = b""

    @classmethod
    def connect(cls, namespace, family=4, prefix=PREFIX, source=None):
        with namespace.within():
            connection = socket.socket(FAMILIES[family], socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        if source:
            connection.bind((source, 0))
        connection.connect((GATEWAY[family], 4500))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = cls(connection)
        stream.write(prefix)
        return stream

    def write(self, data):
        # The gateway may have closed it by now; the reader finds out.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def send(self, payload):
        self.write(record(payload))

    def take(self, count):
        """So many bytes, or None at the end of the stream."""
        while len(self.pending) < count:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.pending += more
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def receive(self):
        """The payload of the next record, or None at the end."""
        length = self.take(2)
        return None if length is None else self.take(struct.unpack("!H", length)[0] - 2)

    def is_quiet(self):
        """Whether nothing waits to be read."""
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(1 << 16)
            self.pending += data
            return False
        except BlockingIOError:
            return not self.pending
        finally:
            self.socket.settimeout(PATIENCE)

    def is_closed(self):
        """Waits for the end of the stream; nothing may come before it."""
        return self.take(1) is None

    def reset(self):
        """Ends it by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    @property
    def segment(self):
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    @property
    def port(self):
        return self.socket.getsockname()[1]


class Listener:
    """Where the gateway connects to."""

    def __init__(self, namespace, family, port, address=None):
        with namespace.within():
            self.socket = socket.socket(FAMILIES[family], socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((address or PEER[family], port))
        self.socket.listen()

    def accept(self):
        return Stream(self.socket.accept()[0])

    def close(self):
        self.socket.close()


class Host:
    """The host behind the gateway, on raw frames."""

    def __init__(self, mac):
        run("ip", "link", "set", "apilan", "up")
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("apilan", 0))
        self.socket.setblocking(False)
        self.seen = []

    def send(self, packet):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        self.socket.send(self.mac + bytes.fromhex("020000000009") + kind + packet)

    def _read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, origin = self.socket.recvfrom(1 << 16)
                if origin[2] != socket.PACKET_OUTGOING and frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
                    self.seen.append(frame[14:])

    def got(self, tag):
        """The packets received so far that hold tag; at least one, for which it waits."""
        def found():
            self._read()
            return [packet for packet in self.seen if tag in packet]
        return wait_for(f"{tag} on the protected side", found)

    def forget(self):
        self._read()
        self.seen.clear()

    def has(self, tag):
        self._read()
        return any(tag in packet for packet in self.seen)
