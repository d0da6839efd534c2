# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Reads what measured threads write (meter.h), and tells quiet windows from disturbed ones."""

import dataclasses
import mmap
import statistics
import struct

QUEUES, SAMPLES = 16, 16384
SAMPLE = struct.Struct("<9Q")
HEAD = struct.Struct("<8Q")
QUEUE_BYTES = HEAD.size + SAMPLES * SAMPLE.size
DISTURBED = 1.04  # so much longer than ever the loop of additions takes when something shares the core
SMALLEST_SHARE = 0.2  # of the windows that are kept in any case, where quiet ones are rare


@dataclasses.dataclass(frozen=True)
class Window:
    begin_tsc: int
    end_tsc: int
    cpu_ns: int
    packets: int
    bytes: int
    before_tsc: int
    after_tsc: int
    end_ns: int
    longest_tsc: int  # between two polls

    @property
    def loop(self):
        return max(self.before_tsc, self.after_tsc)

    def wall_ns(self, tsc_ghz):
        return (self.end_tsc - self.begin_tsc) / tsc_ghz

    def cycles(self, tsc_ghz):
        """Time stamp counter cycles of a packet, of CPU time."""
        return self.cpu_ns * tsc_ghz / self.packets


class Meter:
    """The file that one program writes."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb+") as file:
            file.truncate(QUEUES * QUEUE_BYTES)
            self.map = mmap.mmap(file.fileno(), QUEUES * QUEUE_BYTES)

    def head(self, queue):
        """(windows written, thread, packets taken in, their bytes, packets sent)"""
        return HEAD.unpack_from(self.map, queue * QUEUE_BYTES)[:5]

    def totals(self):
        heads = [self.head(queue) for queue in range(QUEUES)]
        return sum(head[2] for head in heads), sum(head[4] for head in heads)

    def windows(self, queue, since=0):
        """Those written since so many had been; the oldest may be lost."""
        written = self.head(queue)[0]
        found = []
        for number in range(max(since, written - SAMPLES + 1), written):
            at = queue * QUEUE_BYTES + HEAD.size + number % SAMPLES * SAMPLE.size
            found.append(Window(*SAMPLE.unpack_from(self.map, at)))
        return found

    def tsc_ghz(self):
        """The counter's frequency, from the oldest window to the latest."""
        windows = self.windows(0)
        first, last = windows[0], windows[-1]
        return (last.end_tsc - first.end_tsc) / (last.end_ns - first.end_ns)

    def close(self):
        self.map.close()


def quiet(windows, reference):
    """Windows around which the loop took about its least time; at least the quietest few."""
    kept = [window for window in windows if window.loop <= reference * DISTURBED]
    fewest = max(1, int(len(windows) * SMALLEST_SHARE))
    return kept if len(kept) >= fewest else sorted(windows, key=lambda window: window.loop)[:fewest]


def quartiles(values):
    """(first quartile, median, third quartile)"""
    values = list(values)
    if len(values) < 2:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))
