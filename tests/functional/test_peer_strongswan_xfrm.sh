#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Debian's strongSwan, unmodified, drives both gateways: its SAs and policies come over the kernel's XFRM protocol through
# the preload library, its IKE goes through the gateways it drives.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2        charon           192.0.2.0/24           charon    10.2.0.2

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"

# Children: name and strongSwan's proposal. ipv6 is for the other family.
CASES='
gcm        aes128gcm16-esn
cbc        aes256-sha256
sha1       aes128-sha1
chacha     chacha20poly1305
ctr        aes256ctr-sha384
ipv6       aes256gcm16
'

# write_charon NAME HERE THERE NET-HERE NET-THERE NET6-HERE NET6-THERE
write_charon() {
	local name=$1 here=$2 there=$3 net=$4 peer_net=$5 net6=$6 peer_net6=$7 child proposal
	cat >"$LAB_DIR/$name.charon.conf" <<END
charon-systemd {
	load = random nonce openssl aes sha1 sha2 hmac kdf gcm ctr chapoly curve25519 kernel-netlink socket-default vici
	retransmit_tries = 5
	delete_rekeyed_delay = 1
	install_routes = no
	plugins { vici { socket = unix://$LAB_DIR/$name.vici } }
	filelog { log {
		path = $LAB_DIR/$name.charon.log
		default = 1
		knl = 2
		flush_line = yes
	} }
}
END
	{
		echo "connections { gateway {
			version = 2
			mobike = no
			local_addrs = $here
			remote_addrs = $there
			proposals = aes128-sha256-x25519
			local { auth = psk
				id = $here
			}
			remote { auth = psk
				id = $there
			}
			children {"
		# The one that is asked has a child for all of a family.
		if [ "$name" = gwB ]; then
			child gateway "$net" "$peer_net" "$(awk '$1 && $1 != "ipv6" { print $2 }' <<<"$CASES" | paste -sd,)"
			child gateway6 "$net6" "$peer_net6" aes256gcm16
		else
			while read -r child proposal; do
				case $child in
				'') ;;
				ipv6) child "$child" "$net6" "$peer_net6" "$proposal" ;;
				*) child "$child" "$net" "$peer_net" "$proposal" ;;
				esac
			done <<<"$CASES"
			child trap 10.1.0.3/32 "$peer_net" aes128gcm16-esn 'start_action = trap'
		fi
		echo '} } }'
		echo "secrets { ike { secret = $SECRET
		} }"
	} >"$LAB_DIR/$name.swanctl.conf"
}

# child NAME NET PEER-NET PROPOSALS [MORE]
child() {
	printf '%s {\nlocal_ts = %s\nremote_ts = %s\nesp_proposals = %s\nrekey_time = 0\n%s\n}\n' "$1" "$2" "$3" "$4" "${5:-}"
}

negotiate() { timeout 120 swanctl "$@" --uri "unix://$LAB_DIR/gwA.vici"; }

# rekeyed CHILD TARGET: new keys while pings go on, of which none is lost; then the old SAs are gone.
rekeyed() {
	start_pings hostA "$2"
	negotiate --rekey --child "$1" || return
	# The old inbound SA stays for packets that are on their way.
	wait_until 60 'the old SAs to go' sas_everywhere 2 && end_pings || {
		ctl gwA drops
		ctl gwB drops
		return 1
	}
}

require 'charon is at hand' fetch_charon
require 'the lab is made' lab_make
SECRET=$(random_hex 16)
ike_gateway gwA
ike_gateway gwB
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
write_charon gwA 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24 2001:db8:a::/64 2001:db8:b::/64
write_charon gwB 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24 2001:db8:b::/64 2001:db8:a::/64
require "A's charon starts" preloaded_charon gwA
require "B's charon starts" preloaded_charon gwB
receiver hostB

while read -r child proposal; do
	[ -n "$child" ] || continue
	step "$child: $proposal"
	check "$child: negotiated" negotiate --initiate --child "$child" || continue
	check_settles "$child: SAs at A" 2 count_sas gwA
	# A's trap has one each way as well.
	check_settles "$child: policies at A" 4 count_policies gwA
	target=10.2.0.2
	[ "$child" = ipv6 ] && target=2001:db8:b::2
	check "$child: ping" all_answered hostA "$target" 20
	check "$child: TCP" tcp hostA "$target" 1
	check "$child: new keys under traffic" rekeyed "$child" "$target"
	check "$child: end" negotiate --terminate --child "$child"
	check_settles "$child: SAs left at A and B" '0 0' both_sas
	check_settles "$child: policies left at A and B" '2 0' both_policies
done <<<"$CASES"

step 'a trap policy'
in_ns hostA ip address add 10.1.0.3/24 dev e0
check 'the first packet waits for the SA that it asks for' all_answered hostA 10.2.0.2 5 -I 10.1.0.3
check_settles 'SAs at A' 2 count_sas gwA
check 'end' negotiate --terminate --child trap

step 'the gateway starts anew, its charon goes on'
check 'negotiated' negotiate --initiate --child gcm
lab_kill gwA TERM
check 'gateway A starts' lab_start gwA
reconnected() { [ "$(grep -c 'connected to the gateway.s daemon again' "$LAB_DIR/gwA.charon.out")" -ge 1 ]; }
check 'charon is connected again' wait_until 60 'charon' reconnected
negotiate --terminate --ike gateway >/dev/null 2>&1
check 'negotiated' negotiate --initiate --child gcm
check 'ping' all_answered hostA 10.2.0.2 10
end_charon gwA
end_charon gwB
