#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Measures the gateway beside DPDK's ipsec-secgw, the bare cryptography and the ports alone; called by scripts/bench."""

import argparse
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402  pylint: disable=wrong-import-position
import machine  # noqa: E402  pylint: disable=wrong-import-position
import programs  # noqa: E402  pylint: disable=wrong-import-position
import rounds  # noqa: E402  pylint: disable=wrong-import-position
import tables  # noqa: E402  pylint: disable=wrong-import-position

TURNS = {"smoke": (1, 0.06), "quick": (16, 0.15), "full": (12, 0.25)}  # rounds, seconds of a turn
PEER_MB, PORTS_MB = 1024, 256
SPARE_MB = 64  # what a program takes beyond what it was told to


class Rig:
    """What all cases share."""

    def __init__(self, options, scratch):
        self.build = pathlib.Path(options.build).resolve()
        self.secgw = options.secgw and pathlib.Path(options.secgw).resolve()
        self.core, self.control_core = options.core, options.control_core
        self.rounds, self.turn_seconds = TURNS[options.depth]
        if options.rounds:
            self.rounds = options.rounds
        self.scratch = scratch / "case"
        self.huge = False

    def gateway_mb(self, case):
        return 384 + case.workers * (64 if case.policies < 8192 else 128) + (case.sas + case.policies) * 3 // 1024

    def memory_mb(self, case):
        return self.gateway_mb(case) + 2 * PEER_MB + PORTS_MB + SPARE_MB

    def eal(self, name):
        """Arguments of a DPDK program that is not ours."""
        memory = PORTS_MB if name.startswith("testpmd") else PEER_MB
        pages = ["--in-memory"] if self.huge else ["--no-huge", "--no-shconf"]
        return [*pages, "-m", memory, "--no-pci", "--no-telemetry", "--iova-mode=va", "--file-prefix", name]


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    depth = parser.add_mutually_exclusive_group()
    for name, text in (("quick", "AES-128-GCM in three sizes, in three minutes"), ("full", "all axes (the default)"),
                       ("smoke", "a few seconds, whose figures mean nothing")):
        depth.add_argument(f"--{name}", dest="depth", action="store_const", const=name, help=text)
    parser.add_argument("--only", metavar="REGEX", default="", help="cases whose names match")
    parser.add_argument("--list", action="store_true", help="say which cases there are, and end")
    parser.add_argument("--out", metavar="DIRECTORY", default="bench-results", help="where results go")
    parser.add_argument("--build", metavar="DIRECTORY", default="build", help="the build directory that is measured")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each program in each case")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1, help="the worker's CPU")
    parser.add_argument("--control-core", type=int, default=0, help="the CPU of everything else")
    parser.add_argument("--secgw", help="the binary of ipsec-secgw; scripts/bench builds one")
    parser.add_argument("--doc", action="store_true", help="put the results into docs/performance.md as well")
    options = parser.parse_args()
    options.depth = options.depth or "full"
    return options


class Progress:
    """One line on a terminal, that the next overwrites; a line for each case elsewhere."""

    def __init__(self, count):
        self.count, self.number, self.name, self.began = count, 0, "", time.monotonic()

    def case(self, name):
        self.number, self.name = self.number + 1, name
        if not sys.stdout.isatty():
            print(f"[{self.number}/{self.count}] {name}", flush=True)

    def __call__(self, text):
        if sys.stdout.isatty():
            spent = time.monotonic() - self.began
            print(f"\r\033[K[{self.number}/{self.count}] {spent:.0f} s  {self.name}: {text}", end="", flush=True)

    def result(self, text):
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        print(text, flush=True)


def measure(options, rig, wanted, out):
    results = {"machine": machine.describe(programs.ROOT), "depth": options.depth, "results": [], "failed": []}
    progress = Progress(len(wanted))
    pages = machine.Hugepages()
    # A smoke test takes nothing from the machine that others may be counting on.
    rig.huge = options.depth != "smoke" and pages.get(max(rig.memory_mb(case) for case in wanted))
    results["machine"]["hugepages"] = rig.huge
    if not rig.huge and options.depth != "smoke":
        print("not enough hugepages can be had: measuring without, which is slower for all", flush=True)
    try:
        for case in wanted:
            progress.case(case.name)
            if rig.huge:  # others may have taken some meanwhile
                pages.get(rig.memory_mb(case))
            try:
                result = rounds.run_case(rig, case, progress)
            except programs.Broken as error:
                results["failed"].append({"case": case.name, "why": str(error)})
                progress.result(f"    FAILED: {error}")
                continue
            results["results"].append(result)
            progress.result(tables.line(result))
            (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    finally:
        pages.close()
    return results


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and so everything is cleared away
    options = read_options()
    wanted = [case for case in getattr(cases, options.depth)() if re.search(options.only, case.name)]
    if options.list:
        print("\n".join(case.name for case in wanted))
        return 0
    if not wanted:
        sys.exit(f"no case matches {options.only}")
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="esplanade-bench-") as scratch:
        results = measure(options, Rig(options, pathlib.Path(scratch)), wanted, out)
    if results["results"]:
        tables.write(results, out)
        if options.doc:
            tables.write_doc("results", tables.markdown(results), programs.ROOT / "docs/performance.md")
        print(f"results are in {out}: results.json, results.md, plots")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
