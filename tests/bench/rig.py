#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""RFC 2544 against gateways on real ports: the highest rate without loss, by bisection, and the latency at parts of it; called
by scripts/bench rig."""

import argparse
import json
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import machine  # noqa: E402  pylint: disable=wrong-import-position
import memif  # noqa: E402  pylint: disable=wrong-import-position
import programs  # noqa: E402  pylint: disable=wrong-import-position
import tables  # noqa: E402  pylint: disable=wrong-import-position

LATENCY_AT = (1.0, 0.5, 0.1)  # of the rate found
LEAST = 100  # packets a second: below it nothing is searched for


class Broken(Exception):
    """A trial could not be made."""


def trial(options, size, rate, seconds):
    """What the generator counts at this rate."""
    command = [options.build / "tests/bench/bench_generator", *shlex.split(options.eal), "--", options.mac, options.source,
               options.destination, size, int(rate), seconds]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(done.stderr[-2000:])
    found = json.loads(done.stdout.splitlines()[-1])
    found["rate"] = found["sent"] / found["seconds"]
    found["loss"] = 1 - found["received"] / found["sent"] if found["sent"] else 1.0
    time.sleep(options.pause)
    return found


def search(options, size, tell):
    """The highest rate at which no larger part than options.loss is lost (RFC 2544 section 26.1)."""
    low, high, rate, best = 0.0, float(options.rate), float(options.rate), None
    while True:
        found = trial(options, size, rate, options.seconds)
        tell(f"    {size} bytes: offered {rate:.0f}, sent {found['rate']:.0f} a second, lost {100 * found['loss']:.3f} %")
        if found["loss"] <= options.loss:
            best, low = found, rate
            if rate >= options.rate or found["rate"] < 0.9 * rate:
                return best  # the line's limit, or the generator's
        else:
            high = rate
        if high - low <= options.precision * high or high < LEAST:
            return best
        rate = (low + high) / 2


def measure(options, tell):
    results = []
    for size in options.sizes:
        best = search(options, size, tell)
        if not best:
            results.append({"size": size, "rate": 0, "gbps": 0, "latency": []})
            continue
        latency = []
        for part in LATENCY_AT:
            found = trial(options, size, best["rate"] * part, options.seconds)
            latency.append({"part": part, "loss": found["loss"], **found["latency_us"]})
        results.append({"size": size, "rate": round(best["rate"]), "gbps": round(best["rate"] * size * 8 / 1e9, 4),
                        "latency": latency})
        tell(f"    {size} bytes: {best['rate']:.0f} packets a second without loss")
    return results


def table(results):
    names = ("p50", "p90", "p99", "p99.9", "max")
    lines = ["| bytes | packets a second | Gb/s | latency at | " + " | ".join(f"{name}, µs" for name in names) + " |",
             "|---" * (4 + len(names)) + "|"]
    for one in results:
        lines.append(f"| {one['size']} | {one['rate']} | {one['gbps']:.3f} |" + " |" * (1 + len(names)))
        for latency in one["latency"]:
            cells = " | ".join(f"{latency[name]:.1f}" if name in latency else "—" for name in names)
            lines.append(f"| | | | {100 * latency['part']:.0f} % | {cells} |")
    return "\n".join(lines)


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/bench rig", description=__doc__)
    parser.add_argument("--eal", default="", metavar="ARGUMENTS",
                        help="of the generator's DPDK: cores, memory and two ports, first the one that it sends to")
    parser.add_argument("--mac", default="ff:ff:ff:ff:ff:ff", help="of the gateway's port that the generator sends to")
    parser.add_argument("--source", default="10.1.0.5", help="IPv4 address that packets come from")
    parser.add_argument("--destination", default="10.16.0.5", help="and go to")
    parser.add_argument("--sizes", default="60,512,1420", help="bytes of IP")
    parser.add_argument("--rate", type=float, default=10e6, metavar="PPS", help="highest rate to try: of the line")
    parser.add_argument("--seconds", type=float, default=10, help="of a trial (RFC 2544: 60)")
    parser.add_argument("--pause", type=float, default=1, help="seconds between trials")
    parser.add_argument("--loss", type=float, default=0, metavar="PART", help="that counts as none: 0.00001 is 0.001 %%")
    parser.add_argument("--precision", type=float, default=0.01, metavar="PART", help="of the rate found")
    parser.add_argument("--memif", action="store_true", help="no rig: two gateways on this machine, joined by net_memif")
    parser.add_argument("--out", default="bench-results", metavar="DIRECTORY")
    parser.add_argument("--build", default="build", metavar="DIRECTORY")
    options = parser.parse_args()
    options.sizes = [int(size) for size in options.sizes.split(",")]
    options.build = pathlib.Path(options.build).resolve()
    if not options.memif and not options.eal:
        parser.error("give --eal, or --memif")
    return options


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and so everything is cleared away
    options = read_options()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    def tell(text):
        print(text, flush=True)

    try:
        if options.memif:
            with tempfile.TemporaryDirectory(prefix="esplanade-rig-") as scratch, \
                    memif.Pair(options.build, pathlib.Path(scratch)) as pair:
                options.eal, options.mac = pair.eal, pair.mac
                results = measure(options, tell)
        else:
            results = measure(options, tell)
    except (Broken, programs.Broken) as error:
        sys.exit(str(error))
    found = {"machine": machine.describe(programs.ROOT), "results": results}
    (out / "rig.json").write_text(json.dumps(found, indent=1) + "\n")
    (out / "rig.md").write_text(f"{tables.machine_text(found['machine'])}\n\n{table(results)}\n")
    tell(f"results are in {out}: rig.json, rig.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
