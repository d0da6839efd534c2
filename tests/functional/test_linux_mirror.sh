#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# TAPs and the mirror of the kernel's tables, without a daemon: the program linux_mirror makes two TAPs in a network
# namespace that vanishes with it, changes the kernel's tables with ip(8), and compares.

. "$(dirname "$0")/../../scripts/lib.sh"
need_root "$@"
program=$ROOT/${BUILD:-build}/tests/functional/linux_mirror
[ -x "$program" ] || die "no $program: build first (meson setup build && ninja -C build)"
exec unshare --net "$program"
