#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Measures the sockets of control under traffic: how many SAs and policies a second over JSON-RPC, singly and in batches, and how
many CHILD_SAs over XFRM, what they cost in memory, and what the worker notices; called by scripts/bench control."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402  pylint: disable=wrong-import-position
import frames  # noqa: E402  pylint: disable=wrong-import-position
import machine  # noqa: E402  pylint: disable=wrong-import-position
import programs  # noqa: E402  pylint: disable=wrong-import-position
import tables  # noqa: E402  pylint: disable=wrong-import-position

MINE = 1  # SAs and policies that carry the traffic
# CHILD_SAs over XFRM, each with an SPI, two SAs and three policies: what, requests without an answer, the first peer and more.
XFRM = (("one request after the other", 1, (frames.THEIRS,)), ("64 requests under way", 64, (frames.THEIRS,)),
        ("the same, transport mode for L2TP", 64, ("198.18.0.1", "hosts")))
MOST = 1 << 20  # SAs or policies that a gateway takes
PARTS = 10  # of the many SAs, so that one sees whether the last cost more than the first


class Loaded(programs.Gateway):
    """A gateway with one SA at work, and room for so many more."""

    def __init__(self, rig, options, directory):
        super().__init__(rig, cases.case("aes-gcm-128", "out", 512), directory)
        self.room = MINE + options.count + options.inbound + 2 * len(XFRM) * options.pairs
        self.spd_room = MINE + options.policies + 3 * len(XFRM) * options.pairs
        self.xfrm_path = directory / "xfrm.sock"

    def config(self):
        config = super().config()
        config["control"] |= {"xfrm_socket": str(self.xfrm_path)}
        config["memory"] |= {"size_mb": 512 + self.room * 5 // 1024}
        config["limits"] = {"sas": self.room, "policies": 2 * self.spd_room}
        config["builtin_policies"] = True
        return config

    def task(self, thread, name):
        return pathlib.Path(f"/proc/{self.process.pid}/task/{thread}/{name}").read_text()

    def control_cpu(self):
        """CPU seconds of the control core's thread."""
        return int(self.task(self.process.pid, "schedstat").split()[0]) / 1e9

    def resident_kb(self):
        """What it uses of memory, hugepages included: of its heap as the daemon itself says, and of the system."""
        for line in self.task(self.process.pid, "status").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0


def sa(number):
    return {"direction": "out", "spi": frames.OUT_SPI + MINE + number, "source": frames.OURS, "destination": frames.THEIRS,
            "reqid": MINE + 1 + number, "encryption": {"algorithm": "aes-gcm-16",
                                                       "key": frames.secret(f"sa {number}", 20).hex()}}


def inbound(number):
    return {"direction": "in", "spi": frames.IN_SPI + MINE + number, "source": frames.THEIRS, "destination": frames.OURS,
            "reqid": MINE + 1 + number, "esn": True, "replay_window": 4096,
            "encryption": {"algorithm": "aes-gcm-16", "key": frames.secret(f"inbound {number}", 20).hex()}}


def policy(number):
    return {"direction": "out", "action": "protect", "priority": 10, "reqid": MINE + 1 + number,
            "selector": {"source": "10.1.0.0/16", "destination": f"{172 + (number >> 24)}.{number >> 16 & 255}."
                                                                 f"{number >> 8 & 255}.{number & 255}/32"}}


def request(method, list_of_params):
    """One line: a call, or a batch of calls."""
    calls = [{"jsonrpc": "2.0", "id": i, "method": method, "params": params} for i, params in enumerate(list_of_params)]
    return json.dumps(calls[0] if len(calls) == 1 else calls).encode() + b"\n"


def refuse(line):
    if b'"error"' in line:
        raise programs.Broken(line[:500].decode())


class Stretch:
    """What happens between its making and end()."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.began, self.cpu = time.monotonic(), gateway.control_cpu()
        self.window = gateway.meter.head(0)[0]
        self.taken, self.sent = gateway.meter.totals()
        self.resident = gateway.resident_kb()

    def end(self, what, count):
        gateway = self.gateway
        seconds, cpu = time.monotonic() - self.began, gateway.control_cpu() - self.cpu
        taken, sent = gateway.meter.totals()
        windows = [window for window in gateway.meter.windows(0, self.window) if window.packets]
        ghz = gateway.meter.tsc_ghz()
        # A worker that was pushed off its core by something else did not wait for us.
        own = [window.longest_tsc / ghz / 1000 for window in windows
               if window.cpu_ns > 0.98 * window.wall_ns(ghz)]
        return {"what": what, "count": count, "seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3),
                "per_second": round(count / seconds) if count else 0,
                "per_cpu_second": round(count / cpu) if count and cpu else 0,
                "bytes_each": round((gateway.resident_kb() - self.resident) * 1024 / count) if count else 0,
                # A vector is on its way at either end.
                "packets": taken - self.taken, "lost": max(0, taken - self.taken - (sent - self.sent) - 512),
                "longest_pause_us": round(max(own, default=0), 1)}


def measure(gateway, options, progress):
    found = []

    def tell():
        progress("        {per_second} a second, {per_cpu_second} of CPU time, {bytes_each} bytes each; {lost} of {packets} "
                 "packets lost, longest pause {longest_pause_us} us".format(**found[-1]))

    def stretch(what, method, make, numbers, batch):
        """Requests are made beforehand, so that only the gateway's time counts."""
        progress(f"    {what}: {len(numbers)}")
        lines = [request(method, [make(i) for i in numbers[start:start + batch]])
                 for start in range(0, len(numbers), batch)]
        started = Stretch(gateway)
        for line in lines:
            gateway.control.stream.write(line)
            gateway.control.stream.flush()
            refuse(gateway.control.stream.readline())
        if not lines:
            time.sleep(2)
        found.append(started.end(what, len(numbers)))
        tell()

    few, many, most = options.singly, options.count, programs.BATCH
    stretch("nothing", "", None, (), 1)
    stretch("SAs, one a request", "sa.add", sa, range(few), 1)
    stretch("policies, one a request", "policy.add", policy, range(few), 1)
    part = (many - few) // PARTS
    for i in range(PARTS):
        first = few + i * part
        stretch(f"SAs in batches of {most}, part {i + 1} of {PARTS}", "sa.add", sa, range(first, first + part), most)
    stretch(f"inbound SAs with a window of 4,096, in batches of {most}", "sa.add", inbound, range(options.inbound), most)
    stretch(f"policies in batches of {most}", "policy.add", policy, range(few, min(many, options.policies)), most)
    for i, (what, window, peers) in enumerate(XFRM):
        progress(f"    CHILD_SAs over XFRM, {what}: {options.pairs}")
        started = Stretch(gateway)
        command = [gateway.rig.build / "tests/bench/bench_xfrm", gateway.xfrm_path, i * options.pairs, options.pairs, window,
                   frames.OURS, *peers]
        subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, check=True)
        found.append(started.end(f"CHILD_SAs over XFRM, {what}", options.pairs))
        tell()
    return found


def table(found):
    lines = ["| what | count | seconds | a second | of CPU time | bytes each | packets meanwhile | lost | longest pause, µs |",
             "|---|---|---|---|---|---|---|---|---|"]
    for one in found:
        lines.append("| {what} | {count} | {seconds:.1f} | {per_second} | {per_cpu_second} | {bytes_each} | {packets} | {lost} | "
                     "{longest_pause_us:.0f} |".format(**one))
    return "\n".join(lines)


class Rig:
    """What programs.Gateway asks for."""

    def __init__(self, options):
        self.build = pathlib.Path(options.build).resolve()
        self.core, self.control_core, self.huge = options.core, options.control_core, False

    def gateway_mb(self, _):
        return 512


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/bench control", description=__doc__)
    parser.add_argument("--count", type=int, default=1000000, metavar="N", help="outbound SAs in all")
    parser.add_argument("--singly", type=int, default=5000, metavar="N", help="of these, in requests of their own")
    parser.add_argument("--inbound", type=int, default=20000, metavar="N", help="inbound SAs beside these")
    parser.add_argument("--policies", type=int, default=100000, metavar="N", help="policies in all")
    parser.add_argument("--pairs", type=int, default=20000, metavar="N", help="CHILD_SAs over XFRM, in each way")
    parser.add_argument("--out", default="bench-results", metavar="DIRECTORY")
    parser.add_argument("--build", default="build", metavar="DIRECTORY")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--control-core", type=int, default=0)
    parser.add_argument("--doc", action="store_true")
    options = parser.parse_args()
    options.pairs = min(options.pairs, (MOST - MINE - options.count - options.inbound) // (2 * len(XFRM)))
    if options.pairs < 1:
        parser.error(f"--count: at most {MOST - MINE - options.inbound - 2 * len(XFRM)}")
    return options


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and so everything is cleared away
    options = read_options()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="esplanade-bench-") as scratch:
        gateway = Loaded(Rig(options), options, pathlib.Path(scratch) / "esplanade")
        try:
            gateway.start()
            gateway.ready()
            found = measure(gateway, options, lambda text: print(text, flush=True))
        finally:
            gateway.close()
    results = {"machine": machine.describe(programs.ROOT), "stretches": found}
    (out / "control.json").write_text(json.dumps(results, indent=1) + "\n")
    text = f"{tables.machine_text(results['machine'])}\n\n{table(found)}\n"
    (out / "control.md").write_text(text)
    if options.doc:
        tables.write_doc("control", text, programs.ROOT / "docs/performance.md")
    print(f"results are in {out}: control.json, control.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
