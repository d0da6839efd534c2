# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The machine that is measured: what it is, its cores, its hugepages."""

import contextlib
import datetime
import os
import pathlib
import platform
import subprocess
import time

PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def _first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def _cpu(field):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return "unknown"


def describe(root):
    """What results mean nothing without."""
    flags = _cpu("flags").split()
    interesting = ("aes", "vaes", "vpclmulqdq", "avx2", "avx512f", "gfni", "sha_ni")
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "cpu": _cpu("model name"),
        "features": [flag for flag in interesting if flag in flags],
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load": os.getloadavg()[0],
        "dpdk": _first_line("pkg-config", "--modversion", "libdpdk"),
        "ipsec_mb": _first_line("dpkg-query", "-W", "-f", "${Version}", "libipsec-mb1"),
        "commit": _first_line("git", "-c", f"safe.directory={root}", "-C", str(root), "describe", "--always", "--dirty"),
    }


class Hugepages:
    """Sets hugepages aside, and gives back in the end what it took."""

    def __init__(self):
        self.taken = 0

    def get(self, megabytes):
        """Whether so many are free now, for whoever takes them first."""
        if not PAGES.is_dir():
            return False
        wanted = megabytes // 2
        free = self._free()
        if free < wanted:
            self._change(wanted - free)
        return self._free() >= wanted

    @staticmethod
    def _free():
        return int((PAGES / "free_hugepages").read_text())

    def _change(self, pages):
        number = PAGES / "nr_hugepages"
        before = int(number.read_text())
        with contextlib.suppress(OSError):
            number.write_text(str(max(0, before + pages)))
        self.taken += int(number.read_text()) - before

    def close(self):
        if self.taken > 0:
            time.sleep(0.2)  # the kernel takes the pages of a dead process back in its own time
            self._change(-self.taken)
