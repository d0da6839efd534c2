# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# What the scripts share: lines of progress, becoming root, packages, build directories. Sourced, by bash.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian's own interpreter, because scapy is installed for that one.
# No compiled copies beside the sources: root would own them.
export PYTHONDONTWRITEBYTECODE=1
PYTHON=/usr/bin/python3

# Debian packages: to build, to check and fuzz, to test; strongSwan without a daemon that an installation would start; for peers in
# tests: a virtual machine, what libreswan's package needs, and a NAT.
PACKAGES_BUILD='gcc meson ninja-build pkg-config libdpdk-dev dpdk-dev dpdk libipsec-mb-dev libconfig-dev
	libjansson-dev libseccomp-dev libevent-dev libnl-3-dev libnl-route-3-dev libedit-dev check scdoc'
PACKAGES_DEMO='iproute2 iputils-ping ethtool procps iperf3 tcpdump tshark jq'
PACKAGES_TEST='python3-scapy python3-cryptography clang clang-format libclang-rt-14-dev shellcheck git'
PACKAGES_BENCH='gnuplot-nox python3-cryptography dpdk xz-utils'
PACKAGES_STRONGSWAN='strongswan-libcharon strongswan-swanctl libcharon-extra-plugins libcharon-extauth-plugins
	libstrongswan-standard-plugins libstrongswan-extra-plugins openssl'
PACKAGES_PEERS="qemu-system-x86 busybox-static kmod cpio nftables libldns3 libnss3-tools libcap-ng0 libcurl3-nss libunbound8
	bird2 $PACKAGES_STRONGSWAN"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\033[1m' RED=$'\033[31m' GREEN=$'\033[32m' YELLOW=$'\033[33m' PLAIN=$'\033[0m'
else
	BOLD='' RED='' GREEN='' YELLOW='' PLAIN=''
fi

# step TEXT: a new stage of the work. say TEXT: a fact. good, warn, bad: one with a judgement.
step() { printf '%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }
say() { printf '    %s\n' "$*"; }
good() { printf '    %sok%s   %s\n' "$GREEN" "$PLAIN" "$*"; }
warn() { printf '    %snote%s %s\n' "$YELLOW" "$PLAIN" "$*" >&2; }
bad() { printf '    %sFAIL%s %s\n' "$RED" "$PLAIN" "$*" >&2; }
die() {
	printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$*" "$PLAIN" >&2
	exit 1
}

# need_root "$@": goes on as root, or runs the script again through sudo with the same arguments and those
# variables that the scripts listen to.
need_root() {
	[ "$(id -u)" -eq 0 ] && return
	command -v sudo >/dev/null ||
		die 'has to be root, and there is no sudo here: run it as root (su -c, or doas)'
	say 'this needs root: going on through sudo'
	local name kept=()
	for name in BUILD LAB LAB_DEVICE LAB_MTU LAB_WIRE_MTU LAB_WORKERS INTERACTIVE NO_COLOR FUZZ_SECONDS FLOOD_RATE FLOOD_SECONDS \
		MALLOC_PERTURB_; do
		[ -n "${!name:-}" ] && kept+=("$name=${!name}")
	done
	exec sudo -- env "${kept[@]}" "$0" "$@"
}

# install_packages NAME...: installs those of them that are missing, and says so.
install_packages() {
	local name missing=()
	for name in "$@"; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' ||
			missing+=("$name")
	done
	[ ${#missing[@]} -eq 0 ] && return
	command -v apt-get >/dev/null ||
		die "this is not a Debian system; install what corresponds to: ${missing[*]}"
	say "installing ${#missing[@]} packages: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# tshark asks whether others than root may capture: no.
	if command -v debconf-set-selections >/dev/null; then
		echo 'wireshark-common wireshark-common/install-setuid boolean false' | debconf-set-selections
	fi
	apt-get -q update </dev/null || die 'apt-get update failed: is there a network, and a mirror in /etc/apt?'
	apt-get -q -y --no-install-recommends install "${missing[@]}" </dev/null ||
		die "apt-get could not install: ${missing[*]}"
}

# build DIRECTORY [MESON OPTION...]: configures the build directory where that is not done yet, and builds.
build() {
	local directory=$1
	shift
	(
		cd "$ROOT" || exit 1
		if [ ! -f "$directory/build.ninja" ]; then
			meson setup "$directory" "$@" >"/tmp/esplanade-meson.$$" 2>&1 || {
				cat "/tmp/esplanade-meson.$$" >&2
				rm -f "/tmp/esplanade-meson.$$"
				exit 1
			}
			rm -f "/tmp/esplanade-meson.$$"
		fi
		ninja -C "$directory"
	) || return
	give_back "$ROOT/$directory"
}

# give_back PATH: what root made through sudo belongs to the user who called.
give_back() {
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$1"
}

# The sanitizers' build: a shared library may lack their symbols until run time, so no -Wl,-z,defs.
SANITIZE=('-Db_sanitize=address,undefined' -Db_lundef=false -Doptimization=1 -Ddebug=false -Dc_args=-g1)

# build_fuzz: the fuzz targets, in build-fuzz.
build_fuzz() { CC=clang build build-fuzz -Dfuzz=true -Dtests=false -Ddocs=disabled "${SANITIZE[@]}"; }

# fuzz TARGET SECONDS CORPUS [OPTION...]: one target on its seeds and the corpus, a directory that takes in what is new; what
# breaks it stays in tests/fuzz/found/.
fuzz() {
	local target=$1 seconds=$2 corpus=$3 name
	shift 3
	name=$(basename "$target")
	name=${name#fuzz_}
	mkdir -p "$ROOT/tests/fuzz/found" "$corpus"
	"$target" "$@" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$ROOT/tests/fuzz/found/$name-" "$corpus" "$ROOT/tests/fuzz/corpus/$name"
}

# need_tun: /dev/net/tun, which a container may lack though its kernel has it.
need_tun() {
	[ -c /dev/net/tun ] && return
	mkdir -p /dev/net
	mknod /dev/net/tun c 10 200 && chmod 0666 /dev/net/tun ||
		die 'no /dev/net/tun, and it cannot be made: the kernel needs TUN/TAP'
}

# list_files PATTERN...: files of the tree by shell pattern on their path, those of git where there is a git.
list_files() {
	if git -c safe.directory="$ROOT" -C "$ROOT" rev-parse >/dev/null 2>&1; then
		git -c safe.directory="$ROOT" -C "$ROOT" ls-files -co --exclude-standard -- "$@" | sort -u
	else
		local pattern
		for pattern in "$@"; do
			(cd "$ROOT" && find . -path "./$pattern" -not -path './build*' -type f -printf '%P\n')
		done | sort -u
	fi
}

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds; fails, naming WHAT, when it never does.
wait_until() {
	local seconds=$1 what=$2 until
	shift 2
	until=$((SECONDS + seconds))
	while :; do
		"$@" >/dev/null 2>&1 && return
		[ $SECONDS -le $until ] || break
		sleep 0.05
	done
	bad "waited $seconds seconds for: $what"
	return 1
}
