#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# CHILD_SAs that live for five seconds, under a flood both ways: not one packet is lost when keys change, none comes twice, none goes out
# in clear; and this while the one side asks for new keys, then while the other does.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   flood ⇄      charon "west"   192.0.2.0/24   charon "east"   ⇄ flood
#
# FLOOD_RATE packets a second each way, for FLOOD_SECONDS with each side asking: short and slow here, so that any machine can hold it.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"

RATE=${FLOOD_RATE:-2000} SECONDS_EACH=${FLOOD_SECONDS:-12}
FLOOD=$ESPLANADE_BUILD/tests/functional/flood

# lifetimes GATEWAY REKEY: its children end after five seconds, and it asks for new ones after so many; 0: it never does.
lifetimes() {
	rm -f "$LAB_DIR/$1.swanctl"/conf.d/zz-*
	cat >"$LAB_DIR/$1.swanctl/conf.d/zz-lifetimes.conf" <<-CONF
		connections { site { children { net {
		rekey_time = $2
		life_time = 5s
		rand_time = 0
		} } } }
	CONF
}

# roles ASKING ANSWERING: a CHILD_SA where the one side asks for new keys.
roles() {
	lifetimes "$1" 3s && lifetimes "$2" 0 && load_charon gwA && load_charon gwB || return
	swan gwA --terminate --ike site >/dev/null
	wait_until 20 'traffic' in_ns hostA ping -n -c 1 -W 1 10.2.0.2
}

# flood NAME FROM TO ADDRESS PORT: begins one, whose two ends are FLOOD_ENDS.
flood() {
	local file=$LAB_DIR/flood-$1
	rm -f "$file"
	lab_run "$3" "$FLOOD" receive "$file" "$5" >"$file.received" 2>"$file.missing"
	FLOOD_ENDS+=("$LAB_PID")
	lab_run "$2" "$FLOOD" send "$file" "$4" "$5" "$RATE" "$SECONDS_EACH" >"$file.sent" 2>&1
	FLOOD_ENDS+=("$LAB_PID")
}

# asked GATEWAY: how often its charon has begun to change keys.
asked() { grep -c 'creating rekey job for CHILD_SA' "$LAB_DIR/$1.charon.log"; }

# under_flood ASKING ANSWERING
under_flood() {
	local before end name
	require "$1 asks for new keys" roles "$1" "$2"
	before=$(asked "$1")
	FLOOD_ENDS=()
	flood there hostA hostB 10.2.0.2 7001
	flood back hostB hostA 10.1.0.2 7002
	for end in "${FLOOD_ENDS[@]}"; do
		wait "$end"
	done
	for name in there back; do
		read -r sent received twice <"$LAB_DIR/flood-$name.received"
		check_equal "$name: of $sent packets, $(cat "$LAB_DIR/flood-$name.sent"), all arrived, none twice" \
			"$received $twice" "$sent 0"
		cat "$LAB_DIR/flood-$name.missing"
		check "$name: they were more than a few" [ "$sent" -gt $((SECONDS_EACH * 100)) ]
	done
	say "keys changed $(($(asked "$1") - before)) times"
	check 'keys changed every few seconds' [ $(($(asked "$1") - before)) -ge $((SECONDS_EACH / 5)) ]
}

require 'charon is at hand' fetch_charon
require 'the lab is made' lab_make
for gateway in gwA gwB; do
	ike_gateway $gateway
	require "$gateway starts" lab_start $gateway
	ike_charon $gateway
	ike_sample $gateway site-to-site-psk.conf
	ike_secret $gateway
	require "the charon of $gateway starts" preloaded_charon $gateway
done
require 'the wire is watched' capture_wire "$LAB_DIR/clear" net 10.0.0.0/8

step 'A asks'
under_flood gwA gwB
step 'B asks'
under_flood gwB gwA

end_capture
for gateway in gwA gwB; do
	check_equal "nothing in clear arrived at $gateway by the wire" "$(frames "$LAB_DIR/clear-$gateway")" 0
done
for gateway in gwA gwB; do
	end_charon $gateway
done
