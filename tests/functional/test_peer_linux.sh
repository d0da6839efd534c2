#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# The other gateway is Linux: Debian's kernel with its own XFRM in an emulated machine, a host behind it in a namespace.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── tap of QEMU ── [eth0 Linux l0] ── e0 site
#   10.1.0.2       192.0.2.1                           192.0.2.2         10.2.0.2
#   2001:db8:a::2  2001:db8:f::1                       2001:db8:f::2     2001:db8:b::2
#
# The guest boots once; each case gives both ends new SAs and policies. Tunnels carry ping, fragments and TCP between
# the hosts; in transport mode it is hostA and the guest itself. The ports are libpcap's: AF_PACKET would put fragments
# together before the gateway sees them.
#
# With an argument, only the cases whose names hold it: test_peer_linux.sh "chacha none udp".
#
# conformance: A1, D12, F6, H8, H9, H10, J9, K2, K3, K5

LAB_DEVICE=pcap
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/functional/vm/lib.sh"
LAB_NAMES=(hostA gwA)

MODULES='virtio_pci virtio_net virtio_console veth xfrm_user esp4 esp6 ah4 ah6 aesni_intel gcm ccm echainiv seqiv authenc
	authencesn ghash_clmulni_intel chacha20poly1305 chacha-x86_64 poly1305-x86_64 ctr sha256-ssse3 sha1-ssse3 sha512-ssse3
	xcbc cmac drbg jitterentropy_rng'

# The algorithms: bytes of the keys, the gateway's names, and how ip(8) writes them; ENC and AUTH stand for the keys.
declare -A ENCRYPTION=(
	[gcm128]='20 aes-gcm-16 aead rfc4106(gcm(aes)) ENC 128'
	[gcm256]='36 aes-gcm-16 aead rfc4106(gcm(aes)) ENC 128'
	[gcm128-8]='20 aes-gcm-8 aead rfc4106(gcm(aes)) ENC 64'
	[ccm128]='19 aes-ccm-16 aead rfc4309(ccm(aes)) ENC 128'
	[gmac]='20 aes-gmac aead rfc4543(gcm(aes)) ENC 128'
	[chacha]='36 chacha20-poly1305 aead rfc7539esp(chacha20,poly1305) ENC 128'
	[cbc128]='16 aes-cbc enc cbc(aes) ENC'
	[cbc256]='32 aes-cbc enc cbc(aes) ENC'
	[ctr128]='20 aes-ctr enc rfc3686(ctr(aes)) ENC'
	[ctr256]='36 aes-ctr enc rfc3686(ctr(aes)) ENC'
	[null]='0 null enc ecb(cipher_null) ""'
)
declare -A INTEGRITY=(
	[none]='0'
	[sha1]='20 hmac-sha1-96 auth-trunc hmac(sha1) AUTH 96'
	[sha256]='32 hmac-sha2-256-128 auth-trunc hmac(sha256) AUTH 128'
	[sha384]='48 hmac-sha2-384-192 auth-trunc hmac(sha384) AUTH 192'
	[sha512]='64 hmac-sha2-512-256 auth-trunc hmac(sha512) AUTH 256'
	[xcbc]='16 aes-xcbc-96 auth-trunc xcbc(aes) AUTH 96'
	[cmac]='16 aes-cmac-96 auth-trunc cmac(aes) AUTH 96'
)

# Protocol, mode, families of the inner and the outer packet, encryption, integrity; then what is particular: esn, udp;
# align8 for the kernel's own length of AH over IPv4, where RFC 4302's differs from it; tcp and options for those that carry
# TCP, and packets with IP options and extension headers, too.
CASES='
esp tunnel    4 4 gcm128   none   esn tcp options
esp tunnel    6 6 gcm128   none   tcp options
esp tunnel    4 6 gcm256   none   tcp
esp tunnel    6 4 gcm256   none   esn
esp tunnel    4 4 gcm128-8 none
esp tunnel    4 4 cbc128   sha256
esp tunnel    6 6 cbc256   sha256 esn tcp
esp tunnel    4 4 cbc128   sha1
esp tunnel    4 4 cbc256   sha512 esn
esp tunnel    4 4 cbc128   sha384
esp tunnel    4 4 cbc128   xcbc
esp tunnel    4 4 cbc128   cmac
esp tunnel    4 4 chacha   none   esn tcp
esp tunnel    6 6 chacha   none
esp tunnel    4 4 ctr128   sha256 esn tcp
esp tunnel    6 4 ctr256   sha1
esp tunnel    4 4 ccm128   none
esp tunnel    4 4 gmac     none   esn
esp tunnel    6 6 gmac     none
esp tunnel    4 4 null     sha256
esp tunnel    4 4 gcm128   none   udp esn tcp
esp tunnel    6 4 cbc128   sha256 udp
esp tunnel    4 4 chacha   none   udp
esp tunnel    6 6 gcm128   none   udp esn tcp
esp tunnel    4 6 cbc128   sha256 udp
esp transport 4 4 gcm128   none   esn tcp options
esp transport 6 6 gcm256   none   options
esp transport 4 4 cbc128   sha256 esn
esp transport 6 6 cbc128   sha1   tcp
esp transport 4 4 chacha   none
esp transport 4 4 gcm128   none   udp tcp
esp transport 4 4 cbc128   sha256 udp
esp transport 6 6 gcm128   none   udp tcp
ah  tunnel    4 4 none     sha1   align8 tcp options
ah  tunnel    6 6 none     sha256 esn tcp options
ah  tunnel    4 6 none     sha512
ah  tunnel    6 4 none     sha256 esn
ah  tunnel    4 4 none     sha384
ah  tunnel    4 4 none     sha512 esn
ah  tunnel    4 4 none     xcbc   align8
ah  tunnel    6 6 none     cmac
ah  transport 4 4 none     sha1   esn options
ah  transport 4 4 none     sha256 tcp options
ah  transport 4 4 none     cmac   align8
ah  transport 6 6 none     sha256 tcp options
ah  transport 6 6 none     sha384 esn
ah  transport 6 6 none     sha512 options
'

# What the ends are called, by family.
OURS=([4]=192.0.2.1 [6]=2001:db8:f::1)
THEIRS=([4]=192.0.2.2 [6]=2001:db8:f::2)
HOST=([4]=10.1.0.2 [6]=2001:db8:a::2)
SITE=([4]=10.2.0.2 [6]=2001:db8:b::2)
NET=([4]=10.1.0.0/24 [6]=2001:db8:a::/64)
PEER_NET=([4]=10.2.0.0/24 [6]=2001:db8:b::/64)

# write_config: a gateway without SAs; each case brings its own over the control socket.
write_config() {
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

# The machine: Debian's kernel, and what its peer needs.
make_guest() {
	vm_kernel || return
	VM_EXTRA=add_programs
	vm_image peer init-peer "$MODULES" "$(command -v ip)" "$PROGRAMS/udp_encap" "$PROGRAMS/ping_all"
}
add_programs() { ln -s "$PROGRAMS"/{udp_encap,ping_all} "$VM_IMAGE/usr/sbin/"; }
boot_guest() {
	vm_start gwA peer '' -m 256 -smp 1 \
		-netdev tap,id=n0,ifname=u0,script=no,downscript=no -device virtio-net-pci,netdev=n0,romfile=,csum=off,guest_csum=off
}

# algorithms WHOSE ENC AUTH: the words for both algorithms with those keys; WHOSE is ours or theirs.
algorithms() {
	local whose=$1 enc=$2 auth=$3 name kind xfrm bytes words=''
	if [ "$integrity" != none ]; then
		read -r bytes name kind xfrm <<<"${INTEGRITY[$integrity]}"
		if [ "$whose" = ours ]; then words+=" integrity $name 0x$auth"; else words+=" $kind ${xfrm/AUTH/0x$auth}"; fi
	fi
	if [ "$encryption" != none ]; then
		read -r bytes name kind xfrm <<<"${ENCRYPTION[$encryption]}"
		if [ "$whose" = theirs ]; then
			words+=" $kind ${xfrm/ENC/0x$enc}"
		elif [ "$bytes" -gt 0 ]; then
			words+=" encryption $name 0x$enc"
		else
			words+=" encryption $name"
		fi
	fi
	echo "$words"
}

# set_up: SAs and policies of a case on both ends, from the variables of the loop below.
set_up() {
	local ours_out=$1 ours_in=$2 here there net peer_net enc_bytes=0 auth_bytes
	local out_enc out_auth in_enc in_auth ours_options='' theirs_options='replay-window 4096'
	if [ "$mode" = tunnel ]; then
		here=${OURS[$outer]} net=${NET[$inner]} peer_net=${PEER_NET[$inner]}
	else
		here=${HOST[$outer]} net=$here peer_net=${THEIRS[$outer]}
	fi
	there=${THEIRS[$outer]}
	# Linux takes an SA's selector to be of the outer family unless told otherwise.
	[ "$inner" = "$outer" ] || theirs_options+=' flag af-unspec'
	[[ $options == *esn* ]] && ours_options+=' esn on' theirs_options+=' flag esn'
	[[ $protocol != ah || $outer == 6 || $options == *align8* ]] || theirs_options+=' flag align4'
	[[ $options == *udp* ]] && ours_options+=' udp 4500 4500' theirs_options+=' encap espinudp 4500 4500 0.0.0.0'
	[ "$encryption" = none ] || enc_bytes=${ENCRYPTION[$encryption]%% *}
	auth_bytes=${INTEGRITY[$integrity]%% *}
	out_enc=$(random_hex "$enc_bytes") in_enc=$(random_hex "$enc_bytes")
	out_auth=$(random_hex "$auth_bytes") in_auth=$(random_hex "$auth_bytes")

	ctl gwA -f - >"$LAB_DIR.output" 2>&1 <<END || return
sa flush
policy flush
sa add protocol $protocol direction out spi $ours_out source $here destination $there reqid 1 mode $mode$ours_options $(algorithms ours "$out_enc" "$out_auth")
sa add protocol $protocol direction in spi $ours_in source $there destination $here reqid 1 mode $mode$ours_options $(algorithms ours "$in_enc" "$in_auth")
policy add direction out priority 1000 action protect source $net destination $peer_net reqid 1
policy add direction in priority 1000 action protect source $peer_net destination $net reqid 1
END
	{
		cat <<END
xfrm state flush
xfrm policy flush
xfrm state add src $here dst $there proto $protocol spi $ours_out reqid 1 mode $mode $theirs_options $(algorithms theirs "$out_enc" "$out_auth")
xfrm state add src $there dst $here proto $protocol spi $ours_in reqid 1 mode $mode $theirs_options $(algorithms theirs "$in_enc" "$in_auth")
xfrm policy add src $peer_net dst $net dir out tmpl src $there dst $here proto $protocol reqid 1 mode $mode
xfrm policy add src $net dst $peer_net dir in tmpl src $here dst $there proto $protocol reqid 1 mode $mode
END
		[ "$mode" = transport ] ||
			echo "xfrm policy add src $net dst $peer_net dir fwd tmpl src $here dst $there proto $protocol reqid 1 mode $mode"
	} | sed -e '1i ip -batch - <<END' -e '$a END' | vm_do >>"$LAB_DIR.output" 2>&1
}

# guest COMMAND...: in the guest, behind its gateway or in it, as the mode demands.
guest() {
	if [ "$mode" = tunnel ]; then vm_do nsenter --net=/run/netns/site "$@"; else vm_do "$@"; fi
}

# no_errors: neither end has met a packet that it did not like.
no_errors() {
	local unloved
	unloved=$(ctl gwA --json drops | jq -r '.drops[] | select(.name | test("^(esp|ah|sad)_")) | select(.packets > 0) | "\(.name) \(.packets)"')
	echo "$unloved"
	[ -z "$unloved" ] && vm_do "! grep -v '[[:space:]]0\$' /proc/net/xfrm_stat"
}

# dropped: how many packets the gateway has dropped, for whatever reason.
dropped() { ctl gwA --json drops | jq '[.drops[].packets] | add // 0'; }

# evidence: what both ends and the host know of a loss.
evidence() {
	ctl gwA --json port | jq -c '.ports[]'
	ctl gwA drops
	ctl gwA neighbour list
	vm_do 'ip -s neigh; ip -s link show dev eth0; ip -s xfrm state; grep -v "[[:space:]]0\$" /proc/net/xfrm_stat; cat /proc/net/snmp'
	in_ns hostA ip -s neigh
	in_ns hostA ip -s link show dev e0
	in_ns hostA nstat -as 'Icmp*' 'IpIn*' 'IpOut*'
	in_ns gwA ip -s link
}

# answered COMMAND...: the command succeeds. It has one more chance where nothing was lost that the gateway knows of: an
# emulated machine on a busy one may lose packets by itself. What was known then is shown in the end.
answered() {
	local before
	before=$(dropped)
	unless_missed "$@" && return
	{
		echo "==> lost: $name: $*"
		evidence
	} >>"$LAB_DIR/evidence" 2>&1
	[ "$(dropped)" = "$before" ] && unless_missed "$@"
}

# traffic NAME: all there is to send, both ways. Nothing may be lost but the first packets, which wait for ARP or neighbour
# discovery, and frames that never reached the gateway. Packets of three fragments go through tunnels alone: what is protected
# in transport mode is whole packets (RFC 4303 section 3.3.4).
traffic() {
	local name=$1 size=3500 to=${SITE[$inner]}
	[ "$mode" = tunnel ] || size=1300 to=${THEIRS[$inner]}
	check "$name: ping" wait_until 60 'ping' in_ns hostA ping -n -c 1 -W 2 "$to" || return
	check "$name: ping to Linux, $size bytes" answered pings hostA "$to" -c 5 -s $size
	check "$name: ping from Linux, $size bytes" answered guest ping_all -c 5 -s $size "${HOST[$inner]}"
	if [[ $options == *options* ]]; then
		check "$name: IP options to Linux" answered pings hostA "$to" -o -c 1 -s 100
		check "$name: IP options from Linux" answered guest ping_all -o -c 1 -s 100 "${HOST[$inner]}"
	fi
	[[ $options == *tcp* ]] || return
	check "$name: TCP to Linux" tcp hostA "$to" 1
	check "$name: TCP from Linux" guest /tmp/send "${HOST[$inner]}"
}

require 'the machine is made' make_guest
lab_namespace_pair() {
	need_tun
	install -d -m 0700 "$LAB_DIR" && lab_namespace hostA && lab_namespace gwA || return
	in_ns gwA ip tuntap add u0 mode tap && in_ns gwA ip link set dev u0 up || return
	quiet_kernel gwA u0
	lab_host hostA gwA 10.1.0 2001:db8:a || return
	# So that packets and their fragments fit with ESP around them.
	in_ns hostA ip link set dev e0 mtu 1400
}
require 'the lab is made' lab_namespace_pair
write_config
require 'the gateway starts' lab_start gwA
require 'the machine boots' boot_guest
receiver hostA

spi=4096
while read -r protocol mode inner outer encryption integrity options; do
	[ -n "$protocol" ] || continue
	name="$protocol $mode, IPv$inner in IPv$outer, $encryption $integrity${options:+ $options}"
	[[ $name == *"${1:-}"* ]] || continue
	step "$name"
	check "$name: both ends take it" set_up $((spi += 1)) $((spi += 1)) && traffic "$name"
done <<<"$CASES"
check 'neither end has met a packet it did not like' no_errors
say "$(missed) frames did not reach the gateway"
[ ! -e "$LAB_DIR/evidence" ] || cat "$LAB_DIR/evidence"
