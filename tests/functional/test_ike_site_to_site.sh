#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Site to site as docs/ike-site-to-site.md sets it up, by the very samples of config/swanctl, and what becomes of it: children,
# proposals that must fail, IKEv1, transport mode, new keys from either side, reauthentication, a dead peer, daemons that start anew.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2     charon "west"   192.0.2.0/24   charon "east"    10.2.0.2

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"

# Timers of the samples, as short as a busy machine allows.
SHORT='connections { site { dpd_delay = 2s
} }'
SETTINGS=('retransmit_tries = 3' 'retransmit_timeout = 1' 'retransmit_base = 1.3')

# more NAME HERE THERE NET PEER: connections that are no sample. The children of A and B are the same but for what cannot agree.
more() {
	local name=$1 here=$2 there=$3 net=$4 peer=$5
	local wrong=aes256-sha256 narrow=$'local_ts = 10.1.0.0/16\nremote_ts = 10.2.0.3/32'
	[ "$name" = gwA ] || wrong=aes256gcm16 narrow=$'local_ts = 10.2.0.3/32\nremote_ts = 10.1.0.0/24'
	cat <<END
connections {
	v2 {
		version = 2
		local_addrs = $here
		remote_addrs = $there
		proposals = aes128-sha256-x25519
		mobike = no
		local { auth = psk
		}
		remote { auth = psk
		}
		children {
			one { $(selectors 11)
				esp_proposals = aes256-sha384
			}
			two { $(selectors 12)
				esp_proposals = chacha20poly1305
			}
			wrong { $(selectors 13)
				esp_proposals = $wrong
			}
			missing { $(selectors 14)
				esp_proposals = camellia128-sha256
			}
			mixed { $(selectors 15)
				esp_proposals = camellia128-sha256, aes128-sha1
			}
			narrow {
				$narrow
				esp_proposals = aes128gcm16
			}
			transport {
				mode = transport
				esp_proposals = aes128gcm16-esn
			}
		}
	}
	v1 {
		version = 1
		local_addrs = $here
		remote_addrs = $there
		proposals = aes128-sha256-modp2048
		local { auth = psk
		}
		remote { auth = psk
		}
		children {
			main {
				local_ts = $net.0/24
				remote_ts = $peer.0/24
				esp_proposals = aes256-sha256
			}
		}
	}
}
secrets { ike { secret = $(cat "$LAB_DIR/secret")
} }
END
}

# selectors LAST: one address of network A and host B, as the gateway sees them.
selectors() {
	if [ "$name" = gwA ]; then
		printf 'local_ts = 10.1.0.%s/32\nremote_ts = 10.2.0.2/32\n' "$1"
	else
		printf 'local_ts = 10.2.0.2/32\nremote_ts = 10.1.0.%s/32\n' "$1"
	fi
}

# set_up GATEWAY FILE...: its connections are these samples.
set_up() {
	local name=$1 file
	shift
	rm -f "$LAB_DIR/$name.swanctl"/conf.d/*
	for file in "$@"; do
		ike_sample "$name" "$file"
	done
	ike_secret "$name"
	echo "$SHORT" >"$LAB_DIR/$name.swanctl/conf.d/zz-short.conf"
}

set_up_more() {
	rm -f "$LAB_DIR"/gw?.swanctl/conf.d/*
	more gwA 192.0.2.1 192.0.2.2 10.1.0 10.2.0 >"$LAB_DIR/gwA.swanctl/conf.d/more.conf"
	more gwB 192.0.2.2 192.0.2.1 10.2.0 10.1.0 >"$LAB_DIR/gwB.swanctl/conf.d/more.conf"
	load_charon gwA && load_charon gwB
}

out_spi() { ctl gwA --json sa list | jq -r '.sas[] | select(.direction == "out").spi'; }

# nothing_lost COMMAND...: pings go on while the command runs, and none is lost.
nothing_lost() {
	local code
	start_pings hostA 10.2.0.2 -W "${PATIENCE:-30}"
	"$@"
	code=$?
	more_pings hostA 60 # until the old SAs are gone
	end_pings && [ $code -eq 0 ]
}

# lost_ahead COMMAND...: the same, where IKE has one side use an SA before the other has it, with whatever gateway: those packets
# alone are lost.
lost_ahead() {
	local before sent received
	before=$(unknown)
	PATIENCE=3 nothing_lost "$@" && return
	read -r sent _ _ received _ <"$LAB_DIR/pings"
	[ $((sent - received)) -eq $(($(unknown) - before)) ]
}
unknown() { echo $(($(drops gwA sa_unknown) + $(drops gwB sa_unknown))); }

# refused CHILD: the negotiation fails for that reason, and leaves nothing.
refused() {
	swan gwA --initiate --child "$1" >"$LAB_DIR/refused" 2>&1 && return 1
	grep -q NO_PROPOSAL_CHOSEN "$LAB_DIR/refused" || cat "$LAB_DIR/refused"
	grep -q NO_PROPOSAL_CHOSEN "$LAB_DIR/refused"
}

ike_sas() { swan "$1" --list-sas | grep -c ESTABLISHED; }
one_ike_sa() { [ "$(ike_sas gwA)" = 1 ] && [ "$(ike_sas gwB)" = 1 ]; }

# names GATEWAY: how many of its SAs charon calls what, each kind once.
names() { ctl "$1" --json sa list | jq -r '[.sas[] | "\(.connection)/\(.child)"] | group_by(.)[] | "\(length) \(.[0])"'; }

require 'charon is at hand' fetch_charon
require 'the lab is made' lab_make
ike_gateway gwA
ike_gateway gwB
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
ike_charon gwA "${SETTINGS[@]}" 'make_before_break = no'
ike_charon gwB "${SETTINGS[@]}"
set_up gwA site-to-site-psk.conf
set_up gwB site-to-site-psk.conf
require "A's charon starts" preloaded_charon gwA
require "B's charon starts" preloaded_charon gwB
# All that must never be in clear, from the first negotiation to the last.
require 'the wire is watched' capture_wire "$LAB_DIR/clear" net 10.0.0.0/8 or net 2001:db8:a::/64 or net 2001:db8:b::/64

step 'the sample with a pre-shared key'
check 'the first packet brings the SAs up, and waits' all_answered hostA 10.2.0.2 10
check 'IPv6 has the same SAs' all_answered hostA 2001:db8:b::2 10
check 'from the other side' all_answered hostB 10.1.0.2 10
check_settles 'SAs at A and B' '2 2' both_sas
check_settles "A knows what charon calls them" '2 site/net' names gwA
check_settles "and so does B" '2 site/net' names gwB

step 'the sample with certificates'
check 'end' swan gwA --terminate --ike site
check 'an authority' ike_authority
check 'certificates' eval 'ike_certificate gwA west && ike_certificate gwB east'
set_up gwA site-to-site-certificates.conf
set_up gwB site-to-site-certificates.conf
check 'loaded' eval 'load_charon gwA && load_charon gwB'
check 'the first packet brings the SAs up, and waits' all_answered hostA 10.2.0.2 10
check 'IPv6 has the same SAs' all_answered hostA 2001:db8:b::2 10
check 'by certificate' grep -q "authentication of 'east.example.net' with ECDSA.* successful" "$LAB_DIR/gwA.charon.log"

step 'new keys under traffic'
check 'CHILD_SA, asked by A' nothing_lost swan gwA --rekey --child net
check 'the old SAs go' wait_until 60 'the old SAs to go' sas_everywhere 2
check 'CHILD_SA, asked by B' nothing_lost swan gwB --rekey --child net
check 'the old SAs go' wait_until 60 'the old SAs to go' sas_everywhere 2
check_settles 'A knows what the new ones are called' '2 site/net' names gwA
check_settles 'and so does B' '2 site/net' names gwB
check 'espctl says it' eval "ctl gwA sa get direction out spi $(out_spi) destination 192.0.2.2 | grep -E '^ *child +net$'"
check 'in its list too' eval "ctl gwA sa | grep -E '^out .* site/net$'"
check 'IKE_SA, asked by A' nothing_lost swan gwA --rekey --ike site
check 'IKE_SA, asked by B' nothing_lost swan gwB --rekey --ike site
check 'one IKE_SA' wait_until 60 'the old IKE_SAs to go' one_ike_sa

step 'reauthentication'
check 'break before make' swan gwA --rekey --ike site --reauth
check 'traffic passes again' wait_until 60 'traffic' ping_passes hostA 10.2.0.2
check 'the old SAs go' wait_until 60 'the old SAs to go' sas_everywhere 2
sed -i 's/make_before_break = no/make_before_break = yes/' "$LAB_DIR/gwA.charon.conf"
swan gwA --reload-settings >/dev/null
# The responder sends by the new SA before its answer has reached the initiator.
check 'make before break, under traffic' lost_ahead swan gwA --rekey --ike site --reauth
check 'the old SAs go' wait_until 60 'the old SAs to go' sas_everywhere 2
check 'one IKE_SA' wait_until 60 'the old IKE_SA to go' one_ike_sa

step 'a peer that dies'
end_charon gwB KILL
lab_kill gwB KILL
check 'DPD takes the SAs' wait_until 60 'the SAs of A to go' sas gwA 0
require 'gateway B starts' lab_start gwB
require "B's charon starts" preloaded_charon gwB
check 'A has called again, traffic passes' wait_until 60 'traffic' ping_passes hostA 10.2.0.2
check 'IPv6' all_answered hostA 2001:db8:b::2 5

step 'daemons that start anew'
end_charon gwA
check 'an end takes the SAs of both' wait_until 60 'the SAs to go' sas_everywhere 0
require "A's charon starts" preloaded_charon gwA
check 'the first packet brings the SAs up, and waits' all_answered hostA 10.2.0.2 5
step 'children of one IKE_SA'
check 'end' swan gwA --terminate --ike site
for last in 11 12 13 14 15 16; do
	in_ns hostA ip address add 10.1.0.$last/24 dev e0
done
in_ns hostB ip address add 10.2.0.3/24 dev e0
check 'loaded' set_up_more
check 'the SAs are gone' wait_until 60 'the SAs to go' sas_everywhere 0
check_settles 'the policies are gone' '0 0' both_policies
check 'one' swan gwA --initiate --child one
check 'two' swan gwA --initiate --child two
check_settles 'SAs' '4 4' both_sas
check_equal 'IKE_SAs, policies' "$(ike_sas gwA) $(count_policies gwA)" '1 4'
check 'one: ping' all_answered hostA 10.2.0.2 5 -I 10.1.0.11
check 'two: ping' all_answered hostA 10.2.0.2 5 -I 10.1.0.12
check 'proposals that do not agree' refused wrong
check 'an algorithm that the gateway lacks' refused missing
check_settles 'they leave nothing' '4 4' both_sas
check 'two is ended' swan gwA --terminate --child two
check 'one: ping' all_answered hostA 10.2.0.2 5 -I 10.1.0.11
check_settles 'SAs at A and B' '2 2' both_sas
check 'a wider selector' swan gwA --initiate --child narrow
sources() { ctl gwA --json policy list | jq -r '[.policies[] | select(.origin == "xfrm") | .selector.source] | unique | join(" ")'; }
check_settles 'it is narrowed' '10.1.0.0/24 10.1.0.11/32 10.2.0.2/32 10.2.0.3/32' sources
check 'ping' all_answered hostA 10.2.0.3 5 -I 10.1.0.16

step 'transport mode, between the gateways themselves'
check 'negotiated' swan gwA --initiate --child transport
check 'ping' all_answered gwA 192.0.2.2 10
check_equal 'by its SA' "$(ctl gwA --json sa list | jq '[.sas[] | select(.mode == "transport" and .direction == "out")][0].packets >= 10')" true
check 'new keys: IKE passes beside it' swan gwB --rekey --child transport
check 'ping' all_answered gwA 192.0.2.2 10
check 'end' swan gwA --terminate --ike v2

step 'IKEv1 main mode'
check 'negotiated' swan gwA --initiate --child main
check 'ping' all_answered hostA 10.2.0.2 10
# The initiator sends by the new SA before its third message has reached the responder.
check 'new keys, asked by A' lost_ahead swan gwA --rekey --child main
check 'end' swan gwA --terminate --ike v1
check_settles 'SAs left at A and B' '0 0' both_sas

step 'a daemon that is killed'
check 'negotiated' swan gwA --initiate --child main
# A has said its last word; B installs its SAs when it hears it.
check_settles 'SAs at A and B' '2 2' both_sas
end_charon gwB KILL
check 'a killed charon leaves its SAs at work' all_answered hostA 10.2.0.2 5
require "B's charon starts" preloaded_charon gwB
check 'it negotiates anew' swan gwB --initiate --child main
check 'traffic passes' all_answered hostA 10.2.0.2 10
check 'traffic passes, from the other side' all_answered hostB 10.1.0.2 10

step 'all the while'
end_capture
for gateway in gwA gwB; do
	check_equal "in clear on the wire at $gateway" "$(frames "$LAB_DIR/clear-$gateway")" 0
done
check_equal 'forged or repeated packets' "$(($(drops gwA esp_integrity) + $(drops gwB esp_integrity)))" 0
end_charon gwA
end_charon gwB
