// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "linux/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#define SETS 2 // of 32 capabilities

void gw_confine_memory(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static int read_capabilities(struct __user_cap_data_struct sets[static SETS])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, sets) == 0 ? 0 : -errno;
}

static bool has(const struct __user_cap_data_struct sets[static SETS], unsigned int capability)
{
	return sets[capability / 32].effective & 1u << capability % 32;
}

// MCL_FUTURE under a limit that the process will reach would make later allocations fail. Locked
// when touched, and not at once: DPDK reserves far more addresses than it uses.
int gw_confine_lock(struct gw_error *err)
{
	struct __user_cap_data_struct sets[SETS] = {};
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if ((read_capabilities(sets) != 0 || !has(sets, CAP_IPC_LOCK)) &&
		limit.rlim_cur != RLIM_INFINITY)
		return gw_error_set(err, EPERM,
			"the process may not lock memory: give it CAP_IPC_LOCK or an unlimited "
			"RLIMIT_MEMLOCK");
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		return gw_error_set(err, errno, "the kernel does not lock memory");
	return 0;
}

static const uint8_t kept[] = {
	CAP_NET_ADMIN, // TAPs, addresses
	CAP_NET_RAW,   // ports of kind af_packet
	CAP_NET_BIND_SERVICE, CAP_IPC_LOCK,
	CAP_CHOWN, // of the control socket, to its group
};
// Physical addresses where there is no IOMMU, registers of devices.
static const uint8_t kept_for_devices[] = { CAP_SYS_ADMIN, CAP_SYS_RAWIO };

static void keep(uint32_t wanted[static SETS], const uint8_t *capabilities, size_t count)
{
	for (size_t i = 0; i < count; i++)
		wanted[capabilities[i] / 32] |= 1u << capabilities[i] % 32;
}

int gw_confine_capabilities(bool devices, struct gw_error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[SETS] = {};
	uint32_t wanted[SETS] = {};
	int rc = read_capabilities(sets);

	keep(wanted, kept, sizeof(kept));
	if (devices)
		keep(wanted, kept_for_devices, sizeof(kept_for_devices));
	for (unsigned int i = 0; i < SETS; i++) {
		sets[i].permitted &= wanted[i];
		sets[i].effective &= wanted[i];
		sets[i].inheritable = 0;
	}
	if (rc == 0 && (syscall(SYS_capset, &header, sets) != 0 ||
			       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
		rc = -errno;
	return rc ? gw_error_set(err, -rc, "capabilities cannot be dropped") : 0;
}

// Those that this CPU's kernel does not have are left out.
static const char *const refused[] = {
	// programs and processes
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_getfd",
	"kcmp",
	"perf_event_open",
	"userfaultfd",
	"personality",
	// the kernel
	"bpf",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"iopl",
	"ioperm",
	"syslog",
	"acct",
	"quotactl",
	"swapon",
	"swapoff",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"sethostname",
	"setdomainname",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"keyctl",
	"add_key",
	"request_key",
	// file systems and namespaces
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"fsconfig",
	"fspick",
	"mount_setattr",
	"open_by_handle_at",
	"name_to_handle_at",
	"unshare",
	"setns",
	// who we are
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"setfsuid",
	"setfsgid",
	"capset",
};

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static int add_rules(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && rc == 0; i++) {
		int number = seccomp_syscall_resolve_name(refused[i]);

		if (number != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	}
	// A thread may be started, a process not. What flags clone3 has a filter cannot see; told
	// that there is no such call, the library takes the other.
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

int gw_confine_syscalls(struct gw_error *err)
{
#ifdef SANITIZED
	return gw_error_set(err, ENOTSUP, "sanitizers are built in, which start processes");
#else
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	if (rc == 0)
		rc = add_rules(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return rc ? gw_error_set(err, -rc, "the kernel takes no filter of system calls") : 0;
#endif
}
