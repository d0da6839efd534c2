# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The kernel's XFRM messages (linux/xfrm.h) on the daemon's Unix socket, without an IKE daemon."""

import socket
import struct

__all__ = ["ACK", "Controller", "attribute", "dial", "packet", "policy", "policy_id", "sa", "sa_id"]

MIGRATE = 0x21
NEWSA, DELSA, GETSA, NEWPOLICY, DELPOLICY, GETPOLICY, UPDPOLICY, UPDSA = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x19, 0x1a
REQUEST, ACK = 1, 5
PATIENCE = 120  # seconds
NO_LIMITS = struct.pack("=8Q", *[2**64 - 1] * 4, 0, 0, 0, 0)


def packet(kind, body, flags=ACK, number=1):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body


def attribute(kind, body):
    return struct.pack("=HH", 4 + len(body), kind) + body + bytes(-len(body) % 4)


def dial(daemon, program=None):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(PATIENCE)
    client.connect(str(daemon.xfrm_path))
    client.send(packet(8, struct.pack("=II", 1, 4711) + (struct.pack("16s", program.encode()) if program else b""), 0))
    return client


def address(text):
    return socket.inet_aton(text) + bytes(12)


def sa_id(destination, spi, protocol=50):
    return address(destination) + struct.pack("!I", spi) + struct.pack("=HBx", socket.AF_INET, protocol)


def key_of(spi):
    return struct.pack("!5I", *[spi] * 5)


def sa(source, destination, spi, reqid, attributes=b"", window=0, key=None):
    """struct xfrm_usersa_info in tunnel mode, and AES-GCM with a key that only this SPI has, or the number of another key."""
    aead = struct.pack("=64sII", b"rfc4106(gcm(aes))", 160, 128) + key_of(key or spi)
    return (bytes(40) + struct.pack("=H", socket.AF_INET) + bytes(14) + address(destination) + struct.pack("!I", spi) +
            struct.pack("=B3x", 50) + address(source) + NO_LIMITS + bytes(32 + 12 + 4) +
            struct.pack("=IHBBB7x", reqid, socket.AF_INET, 1, window, 0) + attribute(18, aead) + attributes)


def selector(source, destination):
    """From one network to the other, each ADDRESS/BITS."""
    (source, source_bits), (destination, destination_bits) = source.split("/"), destination.split("/")
    return (address(destination) + address(source) + bytes(8) +
            struct.pack("=HBBBxxxiI", socket.AF_INET, int(destination_bits), int(source_bits), 0, 0, 0))


def policy(direction, networks, ends, reqid, spi=0, priority=1000, attributes=b""):
    """struct xfrm_userpolicy_info and a template of a tunnel between the ends; direction: 0 in, 1 out, 2 fwd."""
    template = (address(ends[1]) + struct.pack("!I", spi) + struct.pack("=B3x", 50) + struct.pack("=HH", socket.AF_INET, 0) +
                address(ends[0]) + struct.pack("=IBBBxIII", reqid, 1, 0, 0, *[2**32 - 1] * 3))
    return (selector(*networks) + NO_LIMITS + bytes(32) + struct.pack("=IIBBBB4x", priority, 0, direction, 0, 0, 0) +
            attribute(5, template) + attributes)


def policy_id(direction, networks):
    return selector(*networks) + struct.pack("=IB3x", 0, direction)


class Controller:
    """What an IKE daemon is to the gateway: a name, a socket that hears of acquires, one for requests."""

    def __init__(self, daemon, program):
        self.events = dial(daemon, program)
        self.events.send(packet(9, struct.pack("=I", 1), 0))
        self.requests = dial(daemon, program)

    def ask(self, kind, body, flags=ACK):
        """The errno of the answer; 0: none."""
        self.requests.send(packet(kind, body, flags))
        answer = self.requests.recv(65536)
        return -struct.unpack_from("=i", answer, 16)[0]

    def close(self):
        self.events.close()
        self.requests.close()
