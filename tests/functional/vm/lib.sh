# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# Virtual machines with Debian's own kernel, emulated where the CPU offers no virtualisation. Sourced after lib.sh.
#
# A guest has no disk: its initial RAM file system holds busybox, the programs and modules it was made with, and an
# /init from this directory. It takes scripts, one at a time, over a virtio port, whose two ends on this side are
# named pipes. What is made lies in build-vm/, outside of git.

VM_CACHE=$ROOT/build-vm
VM_DIR=$ROOT/tests/functional/vm
VM_PATIENCE=${VM_PATIENCE:-150} # seconds until a guest is given up: never reached where all is well

# vm_kernel: fetches Debian's cloud kernel and unpacks it, without installing it here. Sets VM_RELEASE and VM_TREE.
vm_kernel() {
	local package
	VM_TREE=$VM_CACHE/kernel
	if [ ! -f "$VM_TREE/complete" ]; then
		rm -rf "$VM_TREE"
		mkdir -p "$VM_TREE/package"
		apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 || apt-get -q update </dev/null
		package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
		[ -n "$package" ] || die 'apt knows no linux-image-cloud-amd64: is there a Debian mirror in /etc/apt?'
		say "fetching $package"
		fetch_package "$package" "$VM_TREE/package" || return
		dpkg -x "$VM_TREE"/package/*.deb "$VM_TREE" || return
		depmod -b "$VM_TREE" "${package#linux-image-}" || return
		echo "${package#linux-image-}" >"$VM_TREE/complete"
		rm -rf "$VM_TREE/package"
		give_back "$VM_CACHE"
	fi
	VM_RELEASE=$(cat "$VM_TREE/complete")
}

# fetch_package NAME DIRECTORY: downloads the .deb; a list of packages that has aged is fetched anew.
fetch_package() {
	(
		cd "$2" || exit 1
		apt-get -q download "$1" </dev/null && exit
		apt-get -q update </dev/null && apt-get -q download "$1" </dev/null
	)
}

# vm_put FILE...: copies programs and libraries into the image under their own paths, with all libraries they need.
# Debian's /lib is a link into /usr, in the image as well: nothing is loaded twice under two names.
vm_put() {
	local file target libraries
	mapfile -t libraries < <(ldd "$@" 2>/dev/null | grep -oE '(=> )?/[^ )]* \(' | grep -o '/[^ ]*' | sort -u)
	for file in "$@" "${libraries[@]}"; do
		target=$VM_IMAGE/$file
		case $file in
		/lib/* | /lib64/* | /bin/* | /sbin/*) target=$VM_IMAGE/usr$file ;;
		esac
		[ -e "$target" ] || install -D -m 0755 "$(readlink -f "$file")" "$target" || return
	done
}

# vm_image NAME INIT MODULES FILE...: makes build-vm/NAME.cpio.gz. VM_EXTRA, if set, is called to add to VM_IMAGE.
vm_image() {
	local name=$1 init=$2 modules=$3 directory module
	shift 3
	VM_IMAGE=$VM_CACHE/$name-$$
	rm -rf "$VM_IMAGE"
	mkdir -p "$VM_IMAGE"/{dev,proc,sys,run,tmp,root,etc,var,usr/{bin,sbin,lib,lib64},modules}
	for directory in bin sbin lib lib64; do
		ln -s "usr/$directory" "$VM_IMAGE/$directory"
	done
	ln -s ../run "$VM_IMAGE/var/run"
	install -m 0755 "$(command -v busybox)" "$VM_IMAGE/bin/busybox"
	install -m 0755 "$VM_DIR/$init" "$VM_IMAGE/init"
	install -m 0644 "$VM_DIR/init-common" "$VM_IMAGE/init-common"
	vm_put "$@" || return
	# In the order in which they depend on each other, each once.
	for module in $modules; do
		modprobe -d "$VM_TREE" -S "$VM_RELEASE" --show-depends "$module" || return
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$VM_IMAGE/modules/paths" || return
	while read -r module; do
		cp "$module" "$VM_IMAGE/modules/" && basename "$module"
	done <"$VM_IMAGE/modules/paths" >"$VM_IMAGE/modules/order"
	rm "$VM_IMAGE/modules/paths"
	[ -z "${VM_EXTRA:-}" ] || "$VM_EXTRA" || return
	(cd "$VM_IMAGE" && find . | cpio --quiet -o -H newc | gzip -1) >"$VM_IMAGE.cpio.gz" || return
	rm -rf "$VM_IMAGE"
	mv "$VM_IMAGE.cpio.gz" "$VM_CACHE/$name.cpio.gz"
	give_back "$VM_CACHE"
}

# vm_start NAMESPACE IMAGE APPEND QEMU-ARGUMENT...: boots the guest in a namespace of the lab and waits until it takes
# commands. Its console is in LAB_DIR/vm.log.
vm_start() {
	local namespace=$1 image=$2 append=$3 line
	shift 3
	mkfifo "$LAB_DIR/vm.in" "$LAB_DIR/vm.out" || return
	lab_run "$namespace" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -nographic -no-reboot -nodefaults \
		-kernel "$VM_TREE/boot/vmlinuz-$VM_RELEASE" -initrd "$VM_CACHE/$image.cpio.gz" \
		-append "console=ttyS0 quiet panic=1 cryptomgr.notests=1 random.trust_cpu=on $append" \
		-chardev "file,id=console,path=$LAB_DIR/vm.log" -serial chardev:console \
		-chardev "pipe,id=control,path=$LAB_DIR/vm" -device virtio-serial-pci -device virtserialport,chardev=control \
		"$@" >"$LAB_DIR/qemu.log" 2>&1
	VM_PID=$LAB_PID
	exec {VM_IN}<>"$LAB_DIR/vm.in" {VM_OUT}<>"$LAB_DIR/vm.out"
	local tries
	for ((tries = VM_PATIENCE; tries > 0; tries--)); do
		read -r -t 1 line <&"$VM_OUT" && break
		running "$VM_PID" || break
	done
	[ "${line:-}" = ready ] && return
	bad "the guest does not come up"
	tail -n 20 "$LAB_DIR/qemu.log" "$LAB_DIR/vm.log" >&2
	return 1
}

# vm_do [ARGUMENT...]: runs a script, standard input or the arguments, in the guest; its output and its exit code. One
# at a time.
vm_do() {
	local script output code
	if [ $# -gt 0 ]; then script=$*; else script=$(cat); fi
	printf '%s\n' "$(base64 -w 0 <<<"$script")" >&"$VM_IN"
	read -r -t "$VM_PATIENCE" code output <&"$VM_OUT" || {
		bad 'the guest does not answer'
		return 1
	}
	base64 -d <<<"$output"
	return "$code"
}
