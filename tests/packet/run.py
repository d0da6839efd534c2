#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Packets through the real daemon on capture files, judged by ESP of other people's making.

usage: run.py [CASE...]     every case_*.py, or those named; BUILD is the build directory, INTERACTIVE=1 keeps files
"""

import importlib
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def main():
    from report import Report  # pylint: disable=import-outside-toplevel

    names = sys.argv[1:] or sorted(path.stem.removeprefix("case_") for path in HERE.glob("case_*.py"))
    report = Report()
    for name in names:
        started = time.monotonic()
        report.begin(name)
        try:
            importlib.import_module(f"case_{name}").run(report)
        except Exception:  # one broken case must not hide the others
            report.check("ran to its end", False, traceback.format_exc())
        print(f"    {time.monotonic() - started:.1f} s, {report.passed} checks passed so far, {report.failed} failed",
              flush=True)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
