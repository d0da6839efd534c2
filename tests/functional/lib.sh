# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# What the functional tests share: the lab, checks that count, an end that cleans up. A test sources it after setting
# LAB_… as it likes, calls checks, and leaves by the end of its script. INTERACTIVE=1 keeps the lab for a look.

. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
need_root "$@"
TEST=$(basename "$0" .sh)
LAB=${TEST#test_}-$$
LAB_DIR=/run/esplanade-$LAB
LAB_LOG=info
. "$ROOT/scripts/topology.sh"
[ -x "$ESPLANADE" ] || die "no $ESPLANADE: build first (meson setup build && ninja -C build)"

PASSED=0 FAILED=0 SKIPPED=0

# pass NAME, fail NAME [WHY], skip NAME WHY: one check each.
pass() {
	PASSED=$((PASSED + 1))
	good "$1"
}
fail() {
	FAILED=$((FAILED + 1))
	bad "$*"
	return 1
}
skip() {
	SKIPPED=$((SKIPPED + 1))
	warn "skipped: $*"
}

# check NAME COMMAND...: the command succeeds; its output is shown when it does not.
check() {
	local name=$1
	shift
	# In this shell: what the command starts is to stay its child.
	if "$@" >"$LAB_DIR.output" 2>&1; then
		pass "$name"
	else
		fail "$name" "($*)"
		tail -n 20 "$LAB_DIR.output" >&2
		return 1
	fi
}

# check_equal NAME GOT EXPECTED
check_equal() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "(expected $3, got $2)"
	fi
}

# check_settles NAME EXPECTED COMMAND...: what the command prints comes to be as expected, though it may take its time: a daemon
# that has done what it was told may still be about to tell the gateway.
check_settles() {
	local name=$1 expected=$2 got='' end=$((SECONDS + 15))
	shift 2
	while got=$("$@") && [ "$got" != "$expected" ] && [ $SECONDS -lt $end ]; do
		sleep 0.1
	done
	check_equal "$name" "$got" "$expected"
}

# check_nothing_clear FILE: ends the capture of the wire that capture_wire began; each end saw ESP, and nothing in clear.
check_nothing_clear() {
	local gateway esp clear
	end_capture
	for gateway in gwA gwB; do
		esp=$(frames "$1-$gateway" "$ESP_FILTER")
		clear=$(frames "$1-$gateway" "$CLEAR_FILTER")
		if [ "$esp" -gt 0 ] && [ "$clear" -eq 0 ]; then
			pass "on the wire at $gateway: $esp frames of ESP, none in clear"
		else
			fail "on the wire at $gateway: $esp frames of ESP, $clear others"
			tcpdump -n -c 5 -r "$1-$gateway" "$CLEAR_FILTER" 2>/dev/null >&2
		fi
	done
}

# require COMMAND...: without it there is no point in going on.
require() { check "$@" || exit 1; }

# lab_down: ends the lab. A clean end is part of every test: buffers returned, nothing for a sanitizer.
lab_down() {
	local gateway complaint
	for gateway in gwA gwB; do
		if [ -f "$LAB_DIR/$gateway.pid" ]; then
			lab_kill "$gateway" TERM
			check_equal "$gateway ends cleanly" "$?" 0
			# The absence of a complaint is no proof: the daemon must have counted, and say so in its last words.
			check "$gateway returns every packet buffer" \
				grep -q 'all packet buffers of pool buffers were returned' <(tail -n 20 "$LAB_DIR/$gateway.log")
		fi
		if complaint=$(grep -sE -m 5 'runtime error|Sanitizer|were not returned' "$LAB_DIR/$gateway.log"); then
			fail "$gateway complains" "$complaint"
		fi
	done
	lab_destroy
}

finish() {
	trap '' INT TERM HUP PIPE # cleaning up goes on, whoever has stopped listening
	if [ -d "$LAB_DIR" ]; then
		[ $FAILED -eq 0 ] || lab_statistics >&2
		if [ "${INTERACTIVE:-}" = 1 ]; then
			say "the lab is kept: LAB=$LAB scripts/lab in hostA ping 10.2.0.2; LAB=$LAB scripts/lab destroy"
		else
			lab_down
		fi
	fi
	rm -f "$LAB_DIR.output"
	if [ $SKIPPED -eq 0 ]; then
		echo "$PASSED passed, $FAILED failed"
	else
		echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	fi
	[ $FAILED -eq 0 ]
	exit
}

trap finish EXIT
trap 'exit 130' INT TERM HUP PIPE

# lab_up: the lab with both gateways, ready for traffic.
lab_up() {
	lab_make || exit 1
	require 'gateway A starts' lab_start gwA
	require 'gateway B starts' lab_start gwB
	require 'a first ping gets through, IPv4' wait_until 20 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
	require 'a first ping gets through, IPv6' wait_until 20 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2
}

# all_answered HOST ADDRESS COUNT [PING OPTION...]: no ping is lost.
all_answered() {
	local host=$1 address=$2 count=$3
	shift 3
	in_ns "$host" ping -n -c "$count" -i 0.02 -W 5 "$@" "$address" | grep -E " $count received"
}

# missed GATEWAY: how many frames came to its ports and were lost before it could take them: where a machine is too busy
# to let it run, libpcap has no room for more.
missed() { ctl "$1" --json port | jq '[.. | .rx_missed? // empty] | add'; }

# unless_missed GATEWAY COMMAND...: the command succeeds; it has another chance only where the gateway missed frames meanwhile.
unless_missed() {
	local gateway=$1 before tries
	shift
	for ((tries = 0; tries < 8; tries++)); do
		before=$(missed "$gateway")
		"$@" && return
		[ "$(missed "$gateway")" -gt "$before" ] || return 1
		warn "$gateway missed frames: again"
	done
	return 1
}

# receiver HOST: starts what takes TCP transfers, and waits until it does.
receiver() {
	lab_run "$1" "$ROOT/tests/functional/transfer.py" serve >"$LAB_DIR/receiver-$1"
	wait_until 20 "the receiver on $1" grep -q ready "$LAB_DIR/receiver-$1"
}

# tcp FROM ADDRESS MEGABYTES [STREAMS]: so much gets through, byte by byte.
tcp() {
	local host=$1
	shift
	in_ns "$host" timeout 150 "$ROOT/tests/functional/transfer.py" send "$@"
}

# drops GATEWAY REASON: the counter.
drops() { ctl "$1" --json drops all | jq --arg reason "$2" '[.. | objects | select(.name? == $reason).packets] | add // 0'; }
