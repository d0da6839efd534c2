#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Broken configurations against `esplanade --check`: each is refused with file, line, what is wrong and where.
#
# No namespaces here: nothing is started.

. "$(dirname "$0")/lib.sh"
install -d -m 0700 "$LAB_DIR"
FILE=$LAB_DIR/broken.conf

declare -A GOOD=(
	[log]='log = { level = "info"; };'
	[control]='control = { socket = "/run/esplanade/control.sock"; };'
	[memory]='memory = { huge = false; size_mb = 256; buffers = 16384; buffer_bytes = 2176; };'
	[workers]='workers = { cpus = [ 0 ]; control_cpu = 0; idle = "sleep"; };'
	[limits]='limits = { sas = 100; policies = 100; };'
	[ports]='ports = (
	{ name = "lan"; device = "net_null0"; side = "protected"; mtu = 1500; addresses = [ "10.1.0.1/24" ]; },
	{ name = "wan"; device = "net_null1"; side = "unprotected"; mac = "02:00:00:00:00:01"; addresses = [ "192.0.2.1/24" ]; }
);'
	[sas]='sas = (
	{ name = "a"; direction = "out"; spi = "0x1000"; source = "192.0.2.1"; destination = "192.0.2.2"; reqid = 1;
	  encryption = { algorithm = "aes-gcm-16"; key = "000102030405060708090a0b0c0d0e0f10111213"; }; },
	{ name = "b"; direction = "in"; spi = "0x2000"; source = "192.0.2.2"; destination = "192.0.2.1"; reqid = 1;
	  encryption = { algorithm = "aes-cbc"; key = "000102030405060708090a0b0c0d0e0f"; };
	  integrity = { algorithm = "hmac-sha1-96"; key = "000102030405060708090a0b0c0d0e0f10111213"; }; }
);'
	[fragments]='fragments = "stateful";'
	[check_icmp_quotes]='check_icmp_quotes = true;'
	[hardening]='hardening = { lock_memory = true; drop_capabilities = true; filter_syscalls = true; };'
	[path_mtu]='path_mtu = { learn = true; floor = 576; age_seconds = 600; };'
	[tcp_encapsulation]='tcp_encapsulation = { listen = [ 4500, 443 ]; per_source = 16; write_bytes = 262144; };'
	[policies]='policies = (
	{ direction = "out"; priority = 10; action = "protect"; reqid = 1;
	  selector = { source = "10.1.0.0/24"; destination = "10.2.0.0/24"; }; }
);'
	[routes]='routes = ( { destination = "10.2.0.0/24"; gateway = "192.0.2.2"; port = "wan"; } );'
	[neighbours]='neighbours = ( { port = "wan"; address = "192.0.2.2"; mac = "02:00:00:00:00:02"; } );'
)
ORDER=(log control memory workers hardening limits path_mtu tcp_encapsulation fragments check_icmp_quotes ports sas policies routes neighbours)

# write SECTION TEXT: the good configuration with another text for that section.
write() {
	local section
	for section in "${ORDER[@]}"; do
		if [ "$section" = "$1" ]; then
			printf '%s\n' "$2"
		else
			printf '%s\n' "${GOOD[$section]}"
		fi
	done >"$FILE"
}

# refused NAME PATTERN: the file is refused, and the message matches the pattern and names the place.
refused() {
	local name=$1 pattern=$2 output code
	output=$("$ESPLANADE" --check "$FILE" 2>&1)
	code=$?
	if [ $code -eq 0 ]; then
		fail "$name" '(it was taken for good)'
	elif [ $code -ne 1 ]; then
		fail "$name" "(exit code $code: $output)"
	elif [[ $output == *Sanitizer* || $output == *'runtime error'* ]]; then
		fail "$name" "($output)"
	elif ! grep -qE "$FILE(:[0-9]+)?: " <<<"$output"; then
		fail "$name" "(the message names no file: $output)"
	elif ! grep -qE "$pattern" <<<"$output"; then
		fail "$name" "(the message does not match /$pattern/: $output)"
	else
		pass "$name: ${output#"$FILE":}"
	fi
}

# broken NAME SECTION PATTERN FROM TO: the good section with FROM replaced by TO.
broken() {
	local text=${GOOD[$2]}
	[[ $text == *"$4"* ]] || fail "$1" "(this test is wrong: no '$4' in $2)" || return
	write "$2" "${text/"$4"/$5}"
	refused "$1" "$3"
}

write none ''
check 'the good configuration is good' "$ESPLANADE" --check "$FILE"

step 'syntax and structure'
broken 'a bracket is missing' log ':[0-9]+: ' '};' ';'
broken 'an unknown section' log 'logg' 'log =' 'logg ='
broken 'an unknown member' log 'levle' 'level' 'levle'
broken 'a wrong word' log 'level.*(error|warning)' '"info"' '"loud"'
broken 'a number where text belongs' log 'level' '"info"' '5'
broken 'text where a number belongs' memory 'size_mb' '256' '"much"'
broken 'text where a yes or no belongs' memory 'huge' 'false' '"no"'
broken 'a list where a group belongs' control 'control' '{ socket = "/run/esplanade/control.sock"; }' '( 1, 2 )'
write ports ''
refused 'no ports at all' 'ports'
write ports 'ports = ();'
refused 'an empty list of ports' 'ports'
printf 'ports = ' >"$FILE"
refused 'the file ends too soon' ':1: '
printf '\0\1\2\377' >"$FILE"
refused 'no text at all' ':1: '
: >"$FILE"
refused 'an empty file' 'ports'
rm -f "$FILE"
refused 'no file' 'No such file|not be read|cannot'

step 'numbers'
broken 'negative' memory 'buffers' '16384' '-1'
broken 'huge' memory 'buffers|64 bits' '16384' '99999999999999999999'
broken 'beyond 32 bits' memory 'size_mb' '256' '4294967552L'
broken 'a fraction' memory 'size_mb' '256' '256.5'
broken 'too few buffers' memory 'buffers' '16384' '1024'
broken 'too little memory' memory 'size_mb' '256' '64'
broken 'a buffer too small' memory 'buffer_bytes' '2176' '100'
broken 'a CPU twice' workers 'cpus' '[ 0 ]' '[ 0, 0 ]'
broken 'no CPU' workers 'cpus' '[ 0 ]' '[ ]'
broken 'an unknown idle word' workers 'idle' '"sleep"' '"nap"'
broken 'padding to an unknown word' sas 'sas\[0\].tfc' 'name = "a";' 'name = "a"; tfc = "full";'
broken 'padding of an inbound SA' sas 'tfc.*outbound' 'name = "b";' 'name = "b"; tfc = 1000;'
broken 'padding in transport mode' sas 'tfc.*tunnel' 'name = "a";' 'name = "a"; mode = "transport"; tfc = 1000;'
broken 'segments of next to nothing' sas 'mss_clamp' 'name = "a";' 'name = "a"; mss_clamp = 63;'
broken 'a TCP port 0' tcp_encapsulation 'listen(\[1\]|.*1)' '443' '0'
broken 'a TCP port twice' tcp_encapsulation 'listen.*twice' '443' '4500'
broken 'too many TCP ports' tcp_encapsulation 'listen.*8' '4500, 443' '1, 2, 3, 4, 5, 6, 7, 8, 9'
broken 'no connection from anywhere' tcp_encapsulation 'per_source' '16' '0'
broken 'no room for a record' tcp_encapsulation 'write_bytes' '262144' '1000'
broken 'a peer that is dead at once' tcp_encapsulation 'dead_seconds' 'write_bytes = 262144' 'dead_seconds = 0'
for part in lock_memory drop_capabilities filter_syscalls; do
	broken "$part that is neither" hardening "hardening.$part" "$part = true" "$part = 1"
done
broken 'a floor that no link has' path_mtu 'path_mtu.floor' '576' '67'
broken 'an age of nothing' path_mtu 'path_mtu.age_seconds' '600' '0'
broken 'an unknown word for fragments' fragments 'fragments' 'stateful' 'hold'
broken 'quotes that are neither' check_icmp_quotes 'check_icmp_quotes' 'true' '1'
broken 'first fragments that are no power of two' limits 'fragment_flows' 'sas = 100;' 'fragment_flows = 1000;'
broken 'a limit below what is listed' limits 'sas|limits' 'sas = 100' 'sas = 1'

step 'ports'
broken 'a name too long' ports 'ports.*name' '"lan"' '"a-name-that-is-far-too-long"'
broken 'a name with a slash' ports 'ports.*name' '"lan"' '"la/n"'
broken 'two ports of one name' ports 'ports.*name' '"lan"' '"wan"'
broken 'two ports of one device' ports 'ports.*device' '"net_null1"' '"net_null0"'
broken 'a device that is none' ports 'device' '"net_null1"' '"eth 0"'
broken 'no device' ports 'device' 'device = "net_null1"; ' ''
broken 'an unknown side' ports 'side' '"protected"' '"inside"'
broken 'no side' ports 'side' 'side = "protected"; ' ''
broken 'an MTU too small' ports 'mtu' '1500' '100'
broken 'an MTU too large' ports 'mtu' '1500' '70000'
broken 'a MAC address too short' ports 'mac' '02:00:00:00:00:01' '02:00:00:00:00'
broken 'a multicast MAC address' ports 'mac' '02:00:00:00:00:01' '01:00:5e:00:00:01'
broken 'an address without its prefix' ports 'addresses' '10.1.0.1/24' '10.1.0.1'
broken 'an address out of range' ports 'addresses' '10.1.0.1/24' '10.1.0.256/24'
broken 'one address on two ports' ports 'addresses' '10.1.0.1/24' '192.0.2.1/24'

step 'SAs'
broken 'a reserved SPI' sas 'spi' '0x1000' '255'
broken 'an SPI beyond 32 bits' sas 'spi' '0x1000' '0x100000000'
broken 'an SPI that is no number' sas 'spi' '0x1000' 'one'
broken 'an unknown direction' sas 'direction' '"out"' '"up"'
broken 'an unknown algorithm' sas 'algorithm.*aes-gcm-16' 'aes-gcm-16' 'aes-gcm-17'
broken 'a key too short' sas 'key' '0c0d0e0f10111213"; }; },' '0c0d0e0f"; }; },'
broken 'a key with an odd number of digits' sas 'key' '10111213"; }; },' '1011121"; }; },'
broken 'a key that is no hexadecimal number' sas 'key' '000102' 'xx0102'
broken 'no key' sas 'key' ' key = "000102030405060708090a0b0c0d0e0f10111213"; }; },' ' }; },'
broken 'encryption without integrity' sas 'integrity' \
	'integrity = { algorithm = "hmac-sha1-96"; key = "000102030405060708090a0b0c0d0e0f10111213"; };' ''
broken 'integrity beside an AEAD' sas 'integrity' 'algorithm = "aes-cbc"; key = "000102030405060708090a0b0c0d0e0f"' \
	'algorithm = "aes-gcm-16"; key = "000102030405060708090a0b0c0d0e0f10111214"'
broken 'an implicit IV whose numbers would start again' sas 'sequence' \
	'algorithm = "aes-gcm-16";' 'algorithm = "aes-gcm-16-iiv";'
broken 'a replay window too large' sas 'replay_window' 'name = "b";' 'name = "b"; replay_window = 2000000;'
broken 'ESN without a replay window' sas 'replay_window|esn' 'name = "b";' 'name = "b"; esn = true; replay_window = 0;'
broken 'families that differ' sas 'source|destination' 'source = "192.0.2.1"' 'source = "2001:db8::1"'
broken 'reqid 0' sas 'reqid' 'reqid = 1;' 'reqid = 0;'
broken 'a DSCP too large' sas 'dscp' 'name = "a";' 'name = "a"; dscp = 64;'
broken 'an unknown mode' sas 'mode' 'name = "a";' 'name = "a"; mode = "beet";'
broken 'a DSCP in transport mode' sas 'dscp' 'name = "a";' 'name = "a"; mode = "transport"; dscp = 46;'
broken 'keepalives more than an hour apart' sas 'encapsulation.keepalive' \
	'name = "a";' 'name = "a"; encapsulation = { keepalive = 3601; };'
broken 'a keepalive that is no time' sas 'encapsulation.keepalive' \
	'name = "a";' 'name = "a"; encapsulation = { keepalive = "off"; };'
broken 'an outbound SA that follows' sas 'encapsulation.follow_peer' \
	'name = "a";' 'name = "a"; encapsulation = { follow_peer = true; };'
broken 'a port 0' sas 'destination_port' 'name = "a";' 'name = "a"; encapsulation = { destination_port = 0; };'
broken 'ESP in UDP to a port that is not ours' sas 'destination_port' 'name = "b";' \
	'name = "b"; encapsulation = { destination_port = 4501; };'
broken 'a connection that an inbound SA opens' sas 'encapsulation.connect' 'name = "b";' \
	'name = "b"; encapsulation = { protocol = "tcp"; connect = true; };'
broken 'transport mode in TCP' sas 'encapsulation.protocol.*tunnel' 'name = "a";' \
	'name = "a"; mode = "transport"; encapsulation = { protocol = "tcp"; };'
broken 'an unknown DF word' sas 'df' 'name = "a";' 'name = "a"; df = "maybe";'
write sas "${GOOD[sas]/);/,
	{ name = \"c\"; direction = \"in\"; spi = 8192; source = \"192.0.2.3\"; destination = \"192.0.2.1\"; reqid = 2;
	  encryption = { algorithm = \"aes-gcm-16\"; key = \"ff0102030405060708090a0b0c0d0e0f10111213\"; \}; \}
);}"
refused 'one SPI twice' 'sas.*(2|\[2\])|spi'

step 'policies'
broken 'an unknown action' policies 'action' '"protect"' '"encrypt"'
broken 'protect without a reqid' policies 'reqid' 'reqid = 1;' ''
broken 'no selector' policies 'selector' \
	'selector = { source = "10.1.0.0/24"; destination = "10.2.0.0/24"; };' ''
broken 'host bits in a prefix' policies 'source' '10.1.0.0/24' '10.1.0.1/24'
broken 'a prefix too long' policies 'source' '10.1.0.0/24' '10.1.0.0/33'
broken 'a range backwards' policies 'source' '10.1.0.0/24' '10.1.0.9-10.1.0.1'
broken 'families that differ' policies 'source|destination|selector' '10.2.0.0/24' '2001:db8::/64'
broken 'an unknown protocol' policies 'protocol' 'source =' 'protocol = "carrier-pigeon"; source ='
broken 'ports without a protocol that has them' policies 'port' 'source =' 'source_port = 80; source ='
broken 'ports backwards' policies 'destination_port' 'source =' \
	'protocol = "udp"; destination_port = "90-80"; source ='
broken 'a port beyond 16 bits' policies 'source_port' 'source =' 'protocol = "udp"; source_port = 65536; source ='
broken 'an ICMP type for UDP' policies 'icmp' 'source =' 'protocol = "udp"; icmp_type = 8; source ='
write policies "${GOOD[policies]/);/,
	{ direction = \"out\"; priority = 10; action = \"discard\";
	  selector = { source = \"10.1.0.0-10.1.0.255\"; destination = \"10.2.0.0/24\"; \}; \}
);}"
refused 'two policies alike' 'policies'

step 'routes and neighbours'
broken 'a route through a port that is missing' routes 'port' '"wan"' '"dmz"'
broken 'a route with a gateway of the other family' routes 'gateway' '192.0.2.2' '2001:db8::1'
broken 'an unknown kind' routes 'kind' 'port = "wan";' 'port = "wan"; kind = "anycast";'
broken 'a neighbour on a port that is missing' neighbours 'port' '"wan"' '"dmz"'
broken 'a neighbour without a MAC address' neighbours 'mac' 'mac = "02:00:00:00:00:02";' ''
broken 'a neighbour whose address is a prefix' neighbours 'address' '192.0.2.2' '192.0.2.0/24'

step 'nothing secret in messages'
broken 'a wrong key is not repeated' sas 'key' '000102030405060708090a0b0c0d0e0f10111213"; }; },' 'c0ffee"; }; },'
if "$ESPLANADE" --check "$FILE" 2>&1 | grep -q c0ffee; then
	fail 'the message shows the key'
else
	pass 'the message does not show the key'
fi
