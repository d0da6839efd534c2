#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# strongSwan's IKE through the gateway, and strongSwan's own ESP (its plugin kernel-libipsec) as the peer's.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [peer]
#   10.1.0.2   charon 192.0.2.1       192.0.2.2 charon, ESP, behind it 10.2.0.2
#
# One charon is the peer. The other is behind the gateway's TAP wan and negotiates for the gateway: its IKE goes through
# the daemon, its log tells the keys, and the test hands them to the daemon. ESP is always in UDP here; the daemon takes
# it before Linux sees it, so that the second charon's own ESP never has any. Both are strongSwan's unprivileged data
# plane: the kernel need know nothing of IPsec.
#
# conformance: A1, J3, J10

LAB_DEVICE=pcap
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"
LAB_NAMES=(hostA gwA peer)

# What is negotiated: strongSwan's name, the gateway's encryption and integrity.
CASES='
aes128gcm16         aes-gcm-16        none
aes256gcm16         aes-gcm-16        none
aes128-sha256       aes-cbc           hmac-sha2-256-128
aes256-sha1         aes-cbc           hmac-sha1-96
aes128-sha512       aes-cbc           hmac-sha2-512-256
aes128ctr-sha256    aes-ctr           hmac-sha2-256-128
chacha20poly1305    chacha20-poly1305 none
aes128-aesxcbc      aes-cbc           aes-xcbc-96
'

make_lab() {
	local name
	need_tun
	install -d -m 0700 "$LAB_DIR"
	for name in "${LAB_NAMES[@]}"; do
		lab_namespace "$name" || return
	done
	lab_host hostA gwA 10.1.0 2001:db8:a || return
	in_ns hostA ip link set dev e0 mtu 1400
	ip link add u0 netns "$LAB-gwA" type veth peer name u0 netns "$LAB-peer" || return
	in_ns gwA ip link set dev u0 up
	quiet_kernel gwA u0
	in_ns peer ethtool -K u0 tx off >/dev/null
	in_ns peer ip link set dev u0 up
	in_ns peer ip address add 192.0.2.2/24 dev u0
	in_ns peer ip address add 10.2.0.2/32 dev lo
}

write_gateway() {
	local huge=false
	huge_free 300 && huge=true
	cat >"$LAB_DIR/gwA.conf" <<END
log = { level = "info"; };
control = { socket = "$LAB_DIR/gwA.sock"; };
memory = { huge = $huge; size_mb = 192; buffers = 16384; };
workers = { cpus = [ $LAB_WORKERS ]; idle = "sleep"; };
ports = (
	{ name = "lan"; device = "$(device_of p0 1500)"; side = "protected"; },
	{ name = "wan"; device = "$(device_of u0 1500)"; side = "unprotected"; }
);
END
}

# write_charon NAME HERE THERE NET-HERE NET-THERE: the peer has a child for each proposal, the gateway one that takes all.
write_charon() {
	local name=$1 here=$2 there=$3 net=$4 peer_net=$5 proposal proposals
	cat >"$LAB_DIR/$name.charon.conf" <<END
charon-systemd {
	load = random nonce openssl aes sha1 sha2 hmac kdf gcm ctr xcbc chapoly curve25519 kernel-libipsec kernel-netlink socket-default vici
	install_virtual_ip = no
	retransmit_tries = 20
	plugins {
		vici { socket = unix://$LAB_DIR/$name.vici }
	}
	filelog {
		keys {
			path = $LAB_DIR/$name.charon.log
			default = 1
			chd = 4
			flush_line = yes
		}
	}
}
END
	{
		echo "connections { gateway {"
		echo "version = 2"
		echo "local_addrs = $here"
		echo "remote_addrs = $there"
		echo "encap = yes"
		echo "proposals = aes128-sha256-x25519"
		echo "local { auth = psk
			id = $here
		}"
		echo "remote { auth = psk
			id = $there
		}"
		echo 'children {'
		mapfile -t proposals < <(awk 'NF { print $1 }' <<<"$CASES")
		[ "$name" = peer ] || proposals=("$(IFS=, && echo "${proposals[*]}")")
		for proposal in "${proposals[@]}"; do
			printf '%s {\nlocal_ts = %s\nremote_ts = %s\nesp_proposals = %s\nrekey_time = 0\n}\n' \
				"${proposal%%,*}" "$net" "$peer_net" "$proposal"
		done
		echo '} } }'
		echo "secrets { ike { secret = $SECRET
		} }"
	} >"$LAB_DIR/$name.swanctl.conf"
}

# key WHAT: the last key of that name in the log of the gateway's charon, without blanks.
key() {
	awk -v what="$1 key =>" '
		index($0, what) { value = ""; left = $(NF - 3); for (i = 1; i < NF; i++) if ($i == "=>") left = $(i + 1); taking = 1; next }
		taking && left > 0 {
			sub(/.*[^0-9A-F][0-9]+: /, "")
			for (i = 1; i <= NF && left > 0 && $i ~ /^[0-9A-F][0-9A-F]$/; i++) { value = value $i; left-- }
		}
		END { print value }' "$LAB_DIR/gwA.charon.log"
}

# set_up: hands over what has been negotiated last. The peer asked, so that the initiator's keys are the inbound ones.
set_up() {
	local spis in_spi out_spi in_auth='' out_auth=''
	spis=$(grep -o 'SPIs [0-9a-f]*_i [0-9a-f]*_o' "$LAB_DIR/gwA.charon.log" | tail -n 1)
	read -r _ in_spi out_spi <<<"$spis"
	if [ "$integrity" != none ]; then
		in_auth="integrity $integrity 0x$(key 'integrity initiator')"
		out_auth="integrity $integrity 0x$(key 'integrity responder')"
	fi
	ctl gwA -f - <<END
sa flush
policy delete direction out priority 1000 source 10.1.0.0/24 destination 10.2.0.0/24
policy delete direction in priority 1000 source 10.2.0.0/24 destination 10.1.0.0/24
sa add direction out spi 0x${out_spi%_o} source 192.0.2.1 destination 192.0.2.2 reqid 1 udp 4500 4500 encryption $encryption 0x$(key 'encryption responder') $out_auth
sa add direction in spi 0x${in_spi%_i} source 192.0.2.2 destination 192.0.2.1 reqid 1 udp 4500 4500 encryption $encryption 0x$(key 'encryption initiator') $in_auth
policy add direction out priority 1000 action protect source 10.1.0.0/24 destination 10.2.0.0/24 reqid 1
policy add direction in priority 1000 action protect source 10.2.0.0/24 destination 10.1.0.0/24 reqid 1
END
}

negotiate() { swanctl "$1" --child "$2" --uri "unix://$LAB_DIR/peer.vici" --timeout 60; }

require 'charon is at hand' fetch_charon
require 'the lab is made' make_lab
write_gateway
require 'the gateway starts' lab_start gwA
SECRET=$(random_hex 16)
write_charon gwA 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24
write_charon peer 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24
require "the gateway's charon starts" start_charon gwA
require "the peer's charon starts" start_charon peer
receiver hostA
receiver peer
# Something to take out in the first round.
ctl gwA policy add direction out priority 1000 action discard source 10.1.0.0/24 destination 10.2.0.0/24 >/dev/null
ctl gwA policy add direction in priority 1000 action discard source 10.2.0.0/24 destination 10.1.0.0/24 >/dev/null

while read -r proposal encryption integrity; do
	[ -n "$proposal" ] || continue
	[[ $proposal == *"${1:-}"* ]] || continue
	step "$proposal"
	check "$proposal: IKE through the gateway" negotiate --initiate "$proposal" || continue
	check "$proposal: the gateway takes the keys" set_up || continue
	check "$proposal: ping to strongSwan" all_answered hostA 10.2.0.2 10
	check "$proposal: ping to strongSwan, three fragments" all_answered hostA 10.2.0.2 5 -s 3500
	check "$proposal: ping from strongSwan" all_answered peer 10.1.0.2 10 -I 10.2.0.2
	if [[ $proposal == @(aes128gcm16|aes128-sha256|chacha20poly1305) ]]; then
		check "$proposal: TCP to strongSwan" tcp hostA 10.2.0.2 1
		check "$proposal: TCP from strongSwan" tcp peer 10.1.0.2 1
	fi
	check "$proposal: IKE ends it through the gateway" negotiate --terminate "$proposal"
done <<<"$CASES"

check_equal 'no drops for integrity or replay' "$(($(drops gwA esp_integrity) + $(drops gwA esp_replay)))" 0
