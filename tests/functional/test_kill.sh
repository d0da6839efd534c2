#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# SIGKILL under traffic: the gateway starts again without anybody cleaning up, with the same configuration and the same keys,
# and no IV of a counter mode comes twice (docs/decisions/004-ivs-across-restarts.md). conformance: M7, E3
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                     ↑ killed, again and again

. "$(dirname "$0")/lib.sh"

# What a process that is killed could leave behind, besides its control socket.
leftovers() { find /dev/hugepages /var/run/dpdk /dev/shm -mindepth 1 2>/dev/null | sort; }
esp_of() { frames "$1" "ip proto 50 and ip[20:4] == 0xa004"; }
esp_passes() { [ "$(esp_of "$wire")" -ge "$1" ]; }

# ivs FILE: numbers and IVs of gateway A's AES-GCM SA, in the order in which they were sent.
ivs() {
	tcpdump -n -x -r "$1" 'ip proto 50 and ip[20:4] == 0xa004' 2>/dev/null |
		awk '/^[0-9]/ { if (hex) print hex; hex = ""; next } { for (i = 2; i <= NF; i++) hex = hex $i } END { print hex }' |
		sed -E 's/^.{48}(.{8})(.{16}).*/\1 \2/'
}

lab_up
before=$(leftovers)
wire=$LAB_DIR/wire
capture gwB u0 "$wire"
lab_run hostA ping -q -n -i 0.005 -s 200 10.2.0.2 >/dev/null 2>&1
seen=0
for round in 1 2; do
	step "round $round"
	require 'traffic flows' wait_until 60 'ESP on the wire' esp_passes $((seen + 100))
	lab_kill gwA KILL
	check_equal 'killed' $? 137
	seen=$(esp_of "$wire")
	check 'it left its control socket' test -S "$LAB_DIR/gwA.sock"
	require 'it starts again by itself' lab_start gwA
	check 'with all its SAs' sh -c "'$ESPCTL' -s '$LAB_DIR/gwA.sock' --json sa list | jq -e '[.. | objects | select(has(\"spi\"))] | length == 4'"
done
require 'traffic flows' wait_until 60 'ESP on the wire' esp_passes $((seen + 100))
check_equal 'nothing else is left behind' "$(leftovers)" "$before"

step 'on the wire'
lab_end "$LAB_PID"
ivs "$wire" >"$LAB_DIR/ivs"
packets=$(wc -l <"$LAB_DIR/ivs")
# What is added to the number, in the order of the runs.
bases=$("$PYTHON" -c 'import sys
for line in sys.stdin:
    number, iv = (int(word, 16) for word in line.split())
    print(f"{iv - number:016x}")' <"$LAB_DIR/ivs" | uniq)
check_equal 'each of the three runs has one base for its IVs' "$(wc -l <<<"$bases")" 3
check_equal 'and each base lies beyond the one before' "$bases" "$(sort -u <<<"$bases")"
check_equal "each of $packets packets has an IV of its own" "$(cut -d ' ' -f 2 "$LAB_DIR/ivs" | sort -u | wc -l)" "$packets"

step 'the peer'
# Its replay windows are ahead of the numbers that begin again: RFC 4303 leaves it no choice but to be told.
check 'the peer takes none of them for new' test "$(($(drops gwB esp_replay) + $(drops gwB esp_too_old) + $(drops gwB esp_integrity)))" -gt 0
lab_kill gwB KILL
require 'killed as well, it starts again' lab_start gwB
check 'and both talk, IPv4' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
check 'and both talk, IPv6' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2
