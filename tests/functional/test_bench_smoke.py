#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The bench runs, and writes what it says it writes. Its figures are nobody's business here."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/packet"))
from report import Report  # noqa: E402


def run(report, out):
    build = ROOT / os.environ.get("BUILD", "build")
    done = subprocess.run([sys.executable, ROOT / "tests/bench/main.py", "--smoke", "--build", build, "--out", out],
                          capture_output=True, text=True, check=False)
    if not report.check("the bench runs to its end", done.returncode == 0, done.stdout + done.stderr):
        return
    results = json.loads((out / "results.json").read_text())
    report.equal("nothing failed", results["failed"], [])
    report.equal("both directions were measured", {one["axes"]["direction"] for one in results["results"]},
                 {"out", "in"})
    for one in results["results"]:
        name = one["case"]
        report.equal(f"{name}: every program has figures",
                     {program: figures["cycles"] > 0 for program, figures in one["programs"].items()},
                     dict.fromkeys(("esplanade", "ports alone", "bare crypto"), True))
        node = "fast_out" if one["axes"]["direction"] == "out" else "fast_in"
        report.check(f"{name}: cycles of nodes", one["nodes"].get(node, 0) > 0 and one["nodes"].get("port_tx", 0) > 0,
                     one["nodes"])
    text = (out / "results.md").read_text()
    report.check("the table has a row for each case", all(f"| {one['case']} |" in text for one in results["results"]),
                 text)
    report.equal("the plot's data has a row for each case", len((out / "plot.dat").read_text().splitlines()),
                 len(results["results"]))


def run_control(report, out):
    build = ROOT / os.environ.get("BUILD", "build")
    done = subprocess.run([sys.executable, ROOT / "tests/bench/control.py", "--count", "220", "--singly", "20", "--pairs", "20", "--inbound", "30",
                           "--policies", "120", "--build", build, "--out", out], capture_output=True, text=True, check=False)
    if not report.check("the control bench runs to its end", done.returncode == 0, done.stdout + done.stderr):
        return
    stretches = json.loads((out / "control.json").read_text())["stretches"]
    report.equal("it added as many SAs and policies as it was told", sum(one["count"] for one in stretches), 220 + 30 + 120 + 3 * 20)
    report.equal("the table has a row for each stretch",
                 sum(f"| {one['what']} |" in (out / "control.md").read_text() for one in stretches), len(stretches))


def main():
    report = Report()
    report.begin("bench")
    with tempfile.TemporaryDirectory(prefix="esplanade-bench-test-") as directory:
        run(report, pathlib.Path(directory))
        run_control(report, pathlib.Path(directory))
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
