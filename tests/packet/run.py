#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Packets through the real daemon on capture files, judged by ESP of other people's making.

usage: run.py [CASE...]     every case_*.py, or those named; BUILD is the build directory, INTERACTIVE=1 keeps files,
                            JOBS is how many cases run side by side

Nothing in a case depends on time, and a daemon on capture files waits more than it works: so there are twice as many jobs
as processors.
"""

import concurrent.futures
import contextlib
import importlib
import io
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

LONG = ("matrix", "malformed", "headers")  # begun first, so that none is left alone at the end


def run_case(name):
    """What the case says, what held, what did not."""
    from report import Report  # pylint: disable=import-outside-toplevel

    said = io.StringIO()
    report, started = Report(), time.monotonic()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        report.begin(name)
        try:
            importlib.import_module(f"case_{name}").run(report)
        except Exception:  # one broken case must not hide the others
            report.check("ran to its end", False, traceback.format_exc())
    print(f"    {time.monotonic() - started:.1f} s, {report.passed} checks passed, {report.failed} failed", file=said)
    return said.getvalue(), report.passed, report.failed


def main():
    names = sys.argv[1:] or sorted(path.stem.removeprefix("case_") for path in HERE.glob("case_*.py"))
    jobs = int(os.environ.get("JOBS", 2 * len(os.sched_getaffinity(0))))
    passed = failed = 0
    with concurrent.futures.ProcessPoolExecutor(min(jobs, len(names))) as pool:
        cases = {name: pool.submit(run_case, name) for name in sorted(names, key=lambda name: name not in LONG)}
        for name in names:
            try:
                said, good, bad = cases[name].result()
            except Exception:  # the job itself ended
                said, good, bad = f"FAIL {name}\n{traceback.format_exc()}", 0, 1
            print(said, end="", flush=True)
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
