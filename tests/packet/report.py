# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Counts what holds and prints what does not, with what was expected."""

import re
import sys


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.group = ""

    def begin(self, group):
        self.group = group
        print(f"==> {group}", flush=True)

    def begin_quiet(self, group):
        """Another name in front of what follows, without a line of its own."""
        self.group = group

    def check(self, name, holds, detail=""):
        """One check; detail is text, or a function that makes it when the check fails."""
        if holds:
            self.passed += 1
            return True
        self.failed += 1
        print(f"FAIL {self.group}: {name}", file=sys.stderr)
        text = detail() if callable(detail) else detail
        for line in str(text).splitlines():
            print(f"     {line}", file=sys.stderr)
        sys.stderr.flush()
        return False

    def equal(self, name, got, expected):
        return self.check(name, got == expected, lambda: f"expected {expected!r}\ngot      {got!r}")

    def no_complaint(self, name, log):
        """A log in which no sanitizer speaks."""
        found = re.search(r"runtime error|(Address|Leak|UndefinedBehavior)Sanitizer", log)
        return self.check(name, not found, lambda: log[max(0, found.start() - 200):found.start() + 2000])


def difference(got, expected):
    """Two byte strings that should be alike, from where they part."""
    if got is None or expected is None:
        return f"expected {expected!r}\ngot      {got!r}"
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    start = max(0, at - 4)
    return (f"{len(expected)} bytes expected, {len(got)} came; they part at byte {at}\n"
            f"expected …{expected[start:start + 40].hex()}\n"
            f"got      …{got[start:start + 40].hex()}")
