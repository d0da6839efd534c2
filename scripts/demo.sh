# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash
#
# What the demos share: traffic, problems, a verdict at the end. Sourced after topology.sh; PROOF says what a good end has shown,
# how_to_play is what --keep shows.

keep=${keep:-0}
started=$SECONDS
problems=()
problem() {
	problems+=("$*")
	bad "$*"
}

cleanup() {
	[ -d "$LAB_DIR" ] || return
	step 'cleaning up'
	lab_destroy
}
verdict() {
	local code=$?
	trap '' INT TERM HUP PIPE # cleaning up goes on, whoever has stopped listening
	[ $code -eq 0 ] || problems+=("ended with code $code")
	if [ ${#problems[@]} -gt 0 ] && [ -d "$LAB_DIR" ]; then
		lab_statistics
	fi
	if [ "$keep" -eq 1 ] && [ ${#problems[@]} -eq 0 ]; then
		how_to_play
	else
		cleanup
	fi
	if [ ${#problems[@]} -gt 0 ]; then
		printf '%sVERDICT: failed: %s%s\n' "$RED" "${problems[*]}" "$PLAIN"
		exit 1
	fi
	printf '%sVERDICT: %s (%d s)%s\n' "$GREEN" "$PROOF" $((SECONDS - started)) "$PLAIN"
}
# ping_through FROM ADDRESS: five pings; the line with the times.
ping_through() {
	local result
	result=$(in_ns "$1" ping -n -c 5 -i 0.1 -W 3 "$2" 2>&1)
	if grep -q ' 5 received' <<<"$result"; then
		good "$1 → $2: $(tail -n 1 <<<"$result")"
	else
		problem "ping from $1 to $2: $(grep received <<<"$result")"
	fi
}

# tcp_through FROM ADDRESS WHAT [OPTION]: iperf3 for three seconds.
tcp_through() {
	local result
	result=$(in_ns "$1" timeout 30 iperf3 -c "$2" -t 3 --json ${4:+"$4"} 2>&1)
	if jq -e '.end.sum_received.bytes > 1000000' <<<"$result" >/dev/null 2>&1; then
		good "$3: $(jq -r '.end | "\(.sum_received.bits_per_second / 1e6 | floor) Mbit/s, " +
			"\(.sum_sent.retransmits // 0) retransmits"' <<<"$result")"
	else
		problem "TCP, $3: $(jq -r '.error // "too little got through"' <<<"$result" 2>/dev/null)"
	fi
}
