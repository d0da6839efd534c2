# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Which cases there are: values of the axes."""

import dataclasses

import frames

PEER_SAS = 131072  # as many as ipsec-secgw reads in bearable time
SIZES = (60, 128, 256, 512, 1024, 1420)


@dataclasses.dataclass(frozen=True)
class Case:
    algorithm: frames.Algorithm
    direction: str
    sizes: tuple  # inner bytes, in turn
    size_name: str
    sas: int = 1
    policies: int = 1
    workers: int = 1
    replay: bool = True  # window of 4,096 and extended sequence numbers, on our side
    peer: bool = True

    @property
    def flows(self):
        """As many as it takes to meet every SA and policy."""
        return max(self.sas, self.policies)

    @property
    def name(self):
        parts = [self.algorithm.name, self.direction, self.size_name]
        if self.sas > 1:
            parts.append(f"{self.sas} SAs")
        elif self.policies > 1:
            parts.append(f"{self.policies} policies")
        if self.workers > 1:
            parts.append(f"{self.workers} workers")
        if not self.replay:
            parts.append("no replay window")
        return " ".join(parts)

    def axes(self):
        return {"algorithm": self.algorithm.name, "direction": self.direction, "size": self.size_name, "sas": self.sas,
                "policies": self.policies, "workers": self.workers, "replay_and_esn": self.replay}


def case(algorithm, direction, size, **rest):
    sizes = frames.IMIX if size == "imix" else (size,)
    return Case(frames.ALGORITHMS[algorithm], direction, sizes, str(size), **rest)


def both(algorithm, sizes, **rest):
    return [case(algorithm, direction, size, **rest) for direction in ("out", "in") for size in sizes]


def many(count):
    """Every packet another SA, each with a policy of its own."""
    return [case("aes-gcm-128", direction, 60, sas=count, policies=count, peer=count <= PEER_SAS)
            for direction in ("out", "in")]


def smoke():
    return [case("aes-gcm-128", "out", 60), case("aes-gcm-128", "in", 60, sas=4, policies=4)]


def quick():
    return both("aes-gcm-128", (60, 512, 1420))


def full():
    found = both("aes-gcm-128", (*SIZES, "imix"))
    for algorithm in ("aes-gcm-256", "chacha20-poly1305", "aes-cbc-128-sha256", "aes-cbc-128-sha1"):
        found += both(algorithm, (60, 512, 1420))
    found += both("aes-gcm-128", (60,), replay=False)
    for count in (128, 1024, 16384, 131072, 1048576):
        found += many(count)
    # ipsec-secgw wants an SA for each policy.
    found += [case("aes-gcm-128", direction, 60, policies=131072, peer=False) for direction in ("out", "in")]
    return found
