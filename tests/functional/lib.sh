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

PROGRAMS=$ESPLANADE_BUILD/tests/functional

PASSED=0 FAILED=0 SKIPPED=0 STATE_SHOWN=

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
		show_state
		return 1
	fi
}

# show_state: how the lab stands right after the first check that failed: in the end counters have gone on, or a gateway has ended.
show_state() {
	[ -z "$STATE_SHOWN" ] || return
	STATE_SHOWN=1
	[ ! -d "$LAB_DIR" ] || lab_statistics >&2
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
	local name=$1 expected=$2 got until=$((SECONDS + 60))
	shift 2
	while :; do
		got=$("$@")
		[ "$got" != "$expected" ] || { pass "$name" && return; }
		[ $SECONDS -le $until ] || break
		sleep 0.05
	done
	fail "$name" "(expected $expected, got $got)"
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
		[ $FAILED -eq 0 ] || show_state
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
	require 'a first ping gets through, IPv4' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
	require 'a first ping gets through, IPv6' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2
}

# pings HOST ADDRESS [OPTION...]: ping_all, whose options are those of ping(8); it waits for each reply.
pings() {
	local host=$1 address=$2
	shift 2
	in_ns "$host" "$PROGRAMS/ping_all" "$@" "$address"
}

# all_answered HOST ADDRESS COUNT [OPTION...]: no ping is lost.
all_answered() {
	local host=$1 address=$2 count=$3
	shift 3
	unless_missed pings "$host" "$address" -c "$count" "$@"
}

# missed: how many frames came to the gateways' ports and were lost before they could take them: where a machine is too busy to
# let them run, libpcap has no room for more.
missed() {
	local gateway
	for gateway in gwA gwB; do
		! lab_alive $gateway || ctl $gateway --json port
	done | jq -s '[.. | .rx_missed? // empty] | add // 0'
}

# unless_missed COMMAND...: the command succeeds; it has another chance only where a gateway missed frames meanwhile.
unless_missed() {
	local before tries
	for ((tries = 0; tries < 8; tries++)); do
		before=$(missed)
		"$@" && return
		[ "$(missed)" -gt "$before" ] || return 1
		warn 'a gateway missed frames: again'
	done
	return 1
}

# start_pings HOST ADDRESS [OPTION...]: pings that go on in the background; returns when some have left. more_pings HOST COUNT: waits
# for so many more. end_pings: ends them; whether all were answered.
start_pings() {
	lab_run "$1" "$PROGRAMS/ping_all" "${@:3}" "$2" >"$LAB_DIR/pings"
	PINGS=$LAB_PID
	more_pings "$1" 20
}
more_pings() { wait_until 60 'pings to leave' frames_left "$1" $(($(frames_of "$1") + $2)); }
frames_of() { in_ns "$1" cat /sys/class/net/e0/statistics/tx_packets; }
frames_left() { [ "$(frames_of "$1")" -ge "$2" ]; }
end_pings() {
	local code
	kill -INT "$PINGS"
	wait "$PINGS"
	code=$?
	cat "$LAB_DIR/pings"
	return $code
}

# ping_passes HOST ADDRESS: one ping is answered, in a second.
ping_passes() { in_ns "$1" ping -n -c 1 -W 1 "$2"; }

# receiver HOST: starts what takes TCP transfers, and waits until it does.
receiver() {
	lab_run "$1" "$ROOT/tests/functional/transfer.py" serve >"$LAB_DIR/receiver-$1"
	wait_until 60 "the receiver on $1" grep -q ready "$LAB_DIR/receiver-$1"
}

# tcp FROM ADDRESS MEGABYTES [STREAMS]: so much gets through, byte by byte.
tcp() {
	local host=$1
	shift
	in_ns "$host" timeout 150 "$ROOT/tests/functional/transfer.py" send "$@"
}

# drops GATEWAY REASON: the counter.
drops() { ctl "$1" --json drops all | jq --arg reason "$2" '[.. | objects | select(.name? == $reason).packets] | add // 0'; }
