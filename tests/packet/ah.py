# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""AH as RFC 4302 writes it, by python-cryptography, and by scapy where it knows the algorithm: judges that share no code
with the gateway."""

import dataclasses
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, SecurityAssociation

from esp import MACS, NotAuthentic, checksum

IPPROTO_AH = 51

# name, key bytes, IV bytes, ICV bytes, scapy's name
ALGORITHMS = (
    ("hmac-sha1-96", 20, 0, 12, "HMAC-SHA1-96"),
    ("hmac-sha2-256-128", 32, 0, 16, "SHA2-256-128"),
    ("hmac-sha2-384-192", 48, 0, 24, "SHA2-384-192"),
    ("hmac-sha2-512-256", 64, 0, 32, "SHA2-512-256"),
    ("aes-xcbc-96", 16, 0, 12, ""),
    ("aes-cmac-96", 16, 0, 12, "AES-CMAC-96"),
    ("aes-gmac", 20, 8, 16, ""),
    ("aes-gmac", 36, 8, 16, ""),
)
BY_NAME = {algorithm[0]: algorithm for algorithm in reversed(ALGORITHMS)}
MUTABLE_KEPT = (130, 133, 134, 148, 149)


def covered(packet, ah_at):
    """The headers before AH as the ICV covers them, by RFC 4302 appendix A, for what these tests send."""
    data = bytearray(packet)
    if data[0] >> 4 == 4:
        data[1] = data[8] = 0
        data[6:8] = data[10:12] = bytes(2)
        at = 20
        while at < ah_at and data[at] != 0:
            if data[at] == 1:
                at += 1
                continue
            size = data[at + 1]
            if data[at] not in MUTABLE_KEPT:
                data[at:at + size] = bytes(size)
            at += size
        return data
    data[0:4] = b"\x60\0\0\0"
    data[7] = 0
    at = 40
    while at < ah_at:  # options headers alone
        end, option = at + 8 + data[at + 1] * 8, at + 2
        while option < end:
            if data[option] == 0:
                option += 1
                continue
            size = data[option + 1]
            if data[option] & 0x20:
                data[option + 2:option + 2 + size] = bytes(size)
            option += 2 + size
        at = end
    return data


def find_ah(packet):
    """Where AH stands, and where the byte is that names it."""
    if packet[0] >> 4 == 4:
        return (packet[0] & 15) * 4, 9
    at, named = 40, 6
    while packet[named] in (0, 43):  # AH goes before destination options
        named, at = at, at + 8 + packet[at + 1] * 8
    return at, named


def ah_of(packet):
    """AH and all behind it, or None where the packet has none."""
    at, named = find_ah(packet)
    return packet[at:] if packet[named] == IPPROTO_AH else None


@dataclasses.dataclass
class AhSa:
    name: str
    direction: str
    spi: int
    source: str
    destination: str
    reqid: int
    algorithm: tuple
    esn: bool = False
    mode: str = "tunnel"
    sequence: int = 0
    key: bytes = b""
    options: dict = dataclasses.field(default_factory=dict)  # further members of the gateway's object

    protocol = "ah"
    ports = None

    def __post_init__(self):
        self.key = self.key or os.urandom(self.algorithm[1])

    @property
    def family(self):
        return 6 if ":" in self.source else 4

    @property
    def outer_family(self):
        return self.family

    @property
    def transport(self):
        return self.mode == "transport"

    def config(self):
        return {"name": self.name, "direction": self.direction, "protocol": "ah", "spi": self.spi,
                "source": self.source, "destination": self.destination, "reqid": self.reqid, "mode": self.mode,
                "integrity": {"algorithm": self.algorithm[0], "key": self.key.hex()}, "esn": self.esn,
                "sequence": self.sequence} | self.options

    @property
    def ah_bytes(self):
        align = 4 if self.family == 4 else 8
        return -(-(12 + self.algorithm[2] + self.algorithm[3]) // align) * align

    def largest_inner(self, mtu):
        """The largest inner packet whose outer one has at most mtu bytes."""
        outer = 0 if self.transport else 40 if self.family == 6 else 20
        return mtu - outer - self.ah_bytes

    def tag(self, message, high, iv):
        message = bytes(message) + (struct.pack("!I", high) if self.esn else b"")
        if iv:
            return AESGCM(self.key[:-4]).encrypt(self.key[-4:] + iv, b"", message)
        return MACS[self.algorithm[0]](self.key, message)[:self.algorithm[3]]

    def seal(self, packet, number, ah_bytes=None, **header):
        """AH around or into packet."""
        ah_bytes = ah_bytes or self.ah_bytes
        if self.mode == "tunnel":
            tos, ttl = header.get("tos", 0), header.get("ttl", 64)
            following, next_header = packet, 41 if packet[0] >> 4 == 6 else 4
            if self.family == 4:
                front = bytes(IP(src=self.source, dst=self.destination, proto=51, tos=tos, ttl=ttl, len=20,
                                 id=header.get("ident", 1)))
            else:
                front = bytes(IPv6(src=self.source, dst=self.destination, nh=51, tc=tos, hlim=ttl))
            front = bytearray(front)
        else:
            at, named = find_ah(packet)
            front, following = bytearray(packet[:at]), packet[at:]
            next_header, front[named] = front[named], IPPROTO_AH
        at = len(front)
        ah = bytearray(struct.pack("!BBHII", next_header, ah_bytes // 4 - 2, 0, self.spi, number & 0xffffffff))
        ah += bytes(ah_bytes - 12)
        whole = front + ah + following
        if self.family == 4:
            whole[2:4] = struct.pack("!H", len(whole))
        else:
            whole[4:6] = struct.pack("!H", len(whole) - 40)
        iv = os.urandom(self.algorithm[2])
        value = iv + self.tag(covered(whole, at), number >> 32, iv)
        whole[at + 12:at + 12 + len(value)] = value
        return refresh(bytes(whole))

    def open(self, packet, high=0):
        """What is in the packet: (number, the packet without AH)."""
        at, named = find_ah(packet)
        if packet[named] != IPPROTO_AH:
            raise NotAuthentic("it is no AH packet")
        next_header, length, reserved, spi, number = struct.unpack_from("!BBHII", packet, at)
        value_bytes = self.algorithm[2] + self.algorithm[3]
        if ((length + 2) * 4, reserved, spi) != (self.ah_bytes, 0, self.spi):
            raise NotAuthentic(f"length {length}, reserved {reserved}, SPI {spi:#x}")
        message = covered(packet, at)
        value = bytes(message[at + 12:at + 12 + value_bytes])
        message[at + 12:at + 12 + value_bytes] = bytes(value_bytes)
        iv = value[:self.algorithm[2]]
        if self.tag(message, high, iv) != value[len(iv):]:
            raise NotAuthentic(f"SPI {spi:#x} sequence {number}: the ICV is wrong")
        if self.algorithm[4] and not self.esn:
            if at == (20 if self.family == 4 else 40):
                self.scapy().decrypt(IP(packet) if self.family == 4 else IPv6(packet))  # raises where it does not agree
        rest = packet[at + self.ah_bytes:]
        if self.mode == "tunnel":
            if next_header != (41 if rest[0] >> 4 == 6 else 4):
                raise NotAuthentic(f"next header {next_header} before IP version {rest[0] >> 4}")
            return number, rest
        front = bytearray(packet[:at])
        front[named] = next_header
        whole = front + rest
        if self.family == 4:
            whole[2:4] = struct.pack("!H", len(whole))
        else:
            whole[4:6] = struct.pack("!H", len(whole) - 40)
        return number, refresh(bytes(whole))

    def scapy(self):
        tunnel = (IP if self.family == 4 else IPv6)(src=self.source, dst=self.destination)
        return SecurityAssociation(AH, spi=self.spi, auth_algo=self.algorithm[4], auth_key=self.key,
                                   tunnel_header=tunnel if self.mode == "tunnel" else None)


def refresh(packet):
    """The IPv4 header checksum made right."""
    if packet[0] >> 4 == 6:
        return packet
    data, end = bytearray(packet), (packet[0] & 15) * 4
    data[10:12] = bytes(2)
    data[10:12] = struct.pack("!H", checksum(bytes(data[:end])))
    return bytes(data)
