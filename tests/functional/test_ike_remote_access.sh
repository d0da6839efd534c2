#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Remote access as docs/ike-remote-access.md sets it up, by the sample of config/swanctl. The clients are behind one address and
# have strongSwan's own ESP (kernel-libipsec): the other data plane is not ours.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [nat] c1 ── e0 client1 10.9.1.2, then 10.9.1.3
#   10.1.0.2     charon "west"         192.0.2.2    c2 ── e0 client2 10.9.2.2
#                                      masquerades

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"
LAB_NAMES=(hostA gwA nat client1 client2)

make_lab() {
	local name number
	need_tun
	install -d -m 0700 "$LAB_DIR"
	for name in "${LAB_NAMES[@]}"; do
		lab_namespace "$name" || return
	done
	lab_host hostA gwA 10.1.0 2001:db8:a || return
	ip link add u0 netns "$LAB-gwA" type veth peer name u0 netns "$LAB-nat" || return
	in_ns gwA ip link set dev u0 up
	quiet_kernel gwA u0
	in_ns nat ethtool -K u0 tx off >/dev/null
	in_ns nat ip link set dev u0 up
	in_ns nat ip address add 192.0.2.2/24 dev u0
	in_ns nat sysctl -q -w net.ipv4.ip_forward=1
	in_ns nat nft -f - <<-END || return
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				oifname "u0" masquerade
			}
		}
	END
	for number in 1 2; do
		ip link add "c$number" netns "$LAB-nat" type veth peer name e0 netns "$LAB-client$number" || return
		in_ns nat ip link set dev "c$number" up
		in_ns nat ip address add "10.9.$number.1/24" dev "c$number"
		in_ns "client$number" ethtool -K e0 tx off >/dev/null
		in_ns "client$number" ip link set dev e0 up
		in_ns "client$number" ip address add "10.9.$number.2/24" dev e0
		in_ns "client$number" ip route add default via "10.9.$number.1"
	done
}

# client NAME USER PASSWORD: it asks for an address of each family and trusts the authority.
client() {
	local name=$1 user=$2 password=$3
	CHARON_PLUGINS="${CHARON_PLUGINS/kernel-netlink/kernel-libipsec kernel-netlink}" ike_charon "$name" \
		'install_routes = yes' 'keep_alive = 2s'
	cp "$LAB_DIR/ca.pem" "$LAB_DIR/$name.swanctl/x509ca/"
	cat >"$LAB_DIR/$name.swanctl/conf.d/client.conf" <<END
connections {
	home {
		version = 2
		remote_addrs = 192.0.2.1
		vips = 0.0.0.0, ::
		proposals = aes256gcm16-prfsha384-x25519
		local {
			auth = eap-mschapv2
			id = $user
			eap_id = $user
		}
		remote {
			auth = pubkey
			id = west.example.net
		}
		children {
			net {
				remote_ts = 10.1.0.0/24, 2001:db8:a::/64
				esp_proposals = $4
			}
		}
	}
}
secrets {
	eap {
		id = $user
		secret = "$password"
	}
}
END
}

# address NAME FAMILY: the one it was given.
address() {
	in_ns "$1" ip -json "-$2" address show dev ipsec0 scope global |
		jq -r '[.[].addr_info[].local // empty | select(startswith("10.3.") or startswith("2001:db8:c:"))][0]'
}

places() { ctl gwA --json sa list | jq -r '[.sas[] | select(.direction == "out") | .destination] | unique | join(" ")'; }
# How many SAs have the names of the sample, and how many there are.
named() { ctl gwA --json sa list | jq -r '"\([.sas[] | select(.connection == "remote-access" and .child == "net")] | length) \(.sas | length)"'; }
placed() { [ "$(places)" = "$1" ]; }
# reaches HOST ADDRESS COUNT: in the end so many pings in a row are answered. The daemon that has told the gateway of a new place
# probes it, and then makes SAs and policies anew (RFC 4555 section 3.5): between its messages there are none.
reaches() { wait_until 60 "$3 answers in a row" pings "$1" "$2" -c "$3" -W 1; }

require 'charon is at hand' fetch_charon
require 'the lab is made' make_lab
ike_gateway gwA
require 'the gateway starts' lab_start gwA
require 'an authority' ike_authority
ike_charon gwA 'retransmit_tries = 3' 'retransmit_timeout = 1' 'retransmit_base = 1.3'
ike_sample gwA remote-access.conf
require 'a certificate' ike_certificate gwA west
cat >"$LAB_DIR/gwA.swanctl/conf.d/secrets.conf" <<'END'
secrets {
	eap-alice {
		id = alice
		secret = "open sesame"
	}
	eap-bob {
		id = bob
		secret = "speak friend"
	}
}
END
client client1 alice 'open sesame' aes256gcm16
client client2 bob 'speak friend' aes256-sha1
require "the gateway's charon starts" preloaded_charon gwA
CHARON_BEFORE=()
require "a client's charon starts" start_charon client1
require "the other client's charon starts" start_charon client2

step 'a name and a password, an address of each family'
check 'alice comes in' swan client1 --initiate --child net
check 'bob comes in, behind the same address' swan client2 --initiate --child net
check_equal "alice's addresses" "$(address client1 4) $(address client1 6)" '10.3.0.1 2001:db8:c::1'
check_equal "bob's addresses" "$(address client2 4) $(address client2 6)" '10.3.0.2 2001:db8:c::2'
check_settles 'SAs and policies' '4 8' sas_and_policies gwA
check 'alice: ping' all_answered client1 10.1.0.2 20
check 'alice: ping, IPv6' all_answered client1 2001:db8:a::2 10
check 'bob: ping' all_answered client2 10.1.0.2 20
check 'bob: ping, IPv6' all_answered client2 2001:db8:a::2 10
check 'from the network to alice' all_answered hostA 10.3.0.1 10
check 'from the network to bob' all_answered hostA 2001:db8:c::2 10
receiver hostA
check 'alice: TCP' tcp client1 10.1.0.2 1
check 'new keys, asked by the gateway' swan gwA --rekey --child net
check 'alice: ping' all_answered client1 10.1.0.2 10
check 'bob: ping' all_answered client2 10.1.0.2 10

check_settles "charon's names" '4 4' named

step 'a wrong password'
sed -i 's/speak friend/speak foe/' "$LAB_DIR/client2.swanctl/conf.d/client.conf"
check 'bob goes' swan client2 --terminate --ike home
check 'loaded' load_charon client2
wrong() { ! swan client2 --initiate --child net; }
check 'it does not let him in' wrong
sed -i 's/speak foe/speak friend/' "$LAB_DIR/client2.swanctl/conf.d/client.conf"
check 'loaded' load_charon client2
check 'the right one does' swan client2 --initiate --child net

step 'a client moves (MOBIKE)'
in_ns client1 ip address delete 10.9.1.2/24 dev e0
in_ns client1 ip address add 10.9.1.3/24 dev e0
in_ns client1 ip route replace default via 10.9.1.1
moved() { swan client1 --list-sas | grep -q '@ 10\.9\.1\.3'; }
check 'IKE has followed' wait_until 60 'IKE to follow' moved
check 'alice: traffic goes on' wait_until 60 'traffic' ping_passes client1 10.1.0.2
check 'alice: ping' reaches client1 10.1.0.2 20
check 'from the network to alice' reaches hostA 10.3.0.1 10
check 'bob: ping' reaches client2 10.1.0.2 10
check_settles 'the names have gone with it' '4 4' named

step 'the address of both changes before their eyes'
in_ns nat ip address delete 192.0.2.2/24 dev u0
in_ns nat ip address add 192.0.2.3/24 dev u0
check 'alice: traffic goes on' wait_until 60 'traffic' ping_passes client1 10.1.0.2
check 'bob: traffic goes on' wait_until 60 'traffic' ping_passes client2 10.1.0.2
check 'their SAs have followed' wait_until 60 'the SAs to follow' placed 192.0.2.3
check 'alice: ping' reaches client1 10.1.0.2 20
check 'from the network to bob' reaches hostA 10.3.0.2 10
check_settles 'the names have followed' '4 4' named
check_equal 'nothing was repeated' "$(drops gwA esp_replay) $(drops gwA esp_integrity)" '0 0'

step 'they go'
check 'alice' swan client1 --terminate --ike home
check 'bob' swan client2 --terminate --ike home
check_settles 'SAs and policies left' '0 0' sas_and_policies gwA
end_charon client1
end_charon client2
end_charon gwA
