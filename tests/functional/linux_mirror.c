// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// TAPs and the mirror of the kernel's tables against a real kernel. Needs root and a network
// namespace of its own (test_linux_mirror.sh):
//
//   this program ── TAP lan ┐
//                           ├ the kernel's IPv4 and IPv6, changed with ip(8)
//   this program ── TAP wan ┘

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>

#include "base/clock.h"
#include "linux/netlink.h"
#include "linux/tap.h"
#include "nexthop.h"

#define DEADLINE_NS UINT64_C(120000000000) // for what has to happen; nothing waits this long
#define MANY        600                    // routes: more than a small socket buffer holds

#define LAN 0
#define WAN 1
#define M1  "02:00:00:00:00:11"
#define M2  "02:00:00:00:00:22"

static const char *const port_names[] = { "lan", "wan" };
static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

static unsigned int passed, failed;

static struct {
	struct event_base *events;
	struct rte_rcu_qsbr *qsbr;
	struct gw_reclaim *reclaim;
	struct gw_route_db *db;
	struct gw_tap *taps[2];
	struct gw_netlink *netlink;
	bool up[2];

	// frames from the host
	const char *wanted; // bytes that some frame has to have; NULL: none
	size_t wanted_size;
	size_t wanted_offset;
	unsigned int found;
	size_t longest;
} bench;

static bool check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool check(bool good, const char *format, ...)
{
	va_list args;

	*(good ? &passed : &failed) += 1;
	printf("%s ", good ? "ok  " : "FAIL");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return good;
}

// --- the kernel's side

static void ip(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void ip(const char *format, ...)
{
	char command[256] = "ip ";
	va_list args;

	va_start(args, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, args);
	va_end(args);
	if (system(command) != 0)
		check(false, "%s", command);
}

// Whether the output of the command holds text.
static bool output_has(const char *command, const char *text)
{
	char output[4096];
	FILE *pipe = popen(command, "r");
	size_t size;

	if (!pipe)
		return false;
	size = fread(output, 1, sizeof(output) - 1, pipe);
	output[size] = '\0';
	pclose(pipe);
	return strstr(output, text);
}

static void set_sysctl(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(value, file) < 0)
		check(false, "%s = %s", path, value);
	if (file)
		fclose(file);
}

// --- our side

static int port_index(void *, const char *name)
{
	return strcmp(name, "lan") == 0 ? LAN : strcmp(name, "wan") == 0 ? WAN : -1;
}

static const char *port_name(void *, uint16_t port)
{
	return port_names[port];
}

static void on_frame(void *, const uint8_t *data, size_t size)
{
	bench.longest = RTE_MAX(bench.longest, size);
	if (bench.wanted && size >= bench.wanted_offset + bench.wanted_size &&
		memcmp(data + bench.wanted_offset, bench.wanted, bench.wanted_size) == 0)
		bench.found++;
}

static void on_admin(void *, uint16_t port, bool up)
{
	bench.up[port] = up;
}

// Turns the event loop until the condition holds; false when it does not in all the time there is.
static bool wait_for(bool (*condition)(const void *), const void *argument)
{
	const struct timeval tick = { .tv_usec = 10000 };
	uint64_t deadline = gw_clock_ns() + DEADLINE_NS;

	while (!condition(argument)) {
		if (gw_clock_ns() > deadline)
			return false;
		event_base_loopexit(bench.events, &tick);
		event_base_loop(bench.events, EVLOOP_ONCE);
		gw_reclaim_poll(bench.reclaim);
	}
	return true;
}

struct expectation {
	const char *address;
	const char *answer;
};

static bool is_answered(const void *argument)
{
	const struct expectation *expectation = argument;

	return strcmp(gw_test_nexthop(gw_route_db_fib(bench.db), port_names, expectation->address),
		       expectation->answer) == 0;
}

static void expect(const char *address, const char *answer)
{
	const struct expectation expectation = { address, answer };

	if (!check(wait_for(is_answered, &expectation), "%s: %s", address, answer))
		printf("     not %s\n",
			gw_test_nexthop(gw_route_db_fib(bench.db), port_names, address));
}

static bool frame_found(const void *)
{
	return bench.found > 0;
}

// What was wanted before stays counted no more.
static void want_frame(const char *bytes, size_t size, size_t offset)
{
	bench.wanted = bytes;
	bench.wanted_size = size;
	bench.wanted_offset = offset;
	bench.found = 0;
}

static void database_new(uint32_t max_routes)
{
	struct gw_route_db_options options = {
		.max_routes = max_routes,
		.max_neighbours = 64,
		.reclaim = bench.reclaim,
		.port_index = port_index,
		.port_name = port_name,
	};

	bench.db = gw_route_db_new(&options, NULL);
}

static bool mirror_new(unsigned int receive_bytes)
{
	const struct gw_netlink_port ports[] = {
		{ LAN, gw_tap_index(bench.taps[LAN]) },
		{ WAN, gw_tap_index(bench.taps[WAN]) },
	};
	struct gw_netlink_options options = {
		.events = bench.events,
		.routes = bench.db,
		.ports = ports,
		.port_count = 2,
		.receive_bytes = receive_bytes,
		.admin = on_admin,
	};
	struct gw_error err = {};

	bench.up[LAN] = bench.up[WAN] = true;
	bench.netlink = gw_netlink_new(&options, &err);
	return check(bench.netlink, "the mirror starts %s", err.text);
}

static struct gw_tap *tap_new(uint16_t port, struct gw_error *err)
{
	struct gw_tap_options options = {
		.name = port_names[port],
		.mtu = 1400,
		.events = bench.events,
		.frame = on_frame,
	};

	memcpy(options.mac, macs[port], sizeof(options.mac));
	return gw_tap_new(&options, err);
}

// --- what is tested

static void test_tap(void)
{
	struct gw_error err = {};

	check(output_has("ip link show dev lan", "mtu 1400") &&
			output_has("ip link show dev lan", "02:00:00:00:00:01") &&
			output_has("ip link show dev lan", ",UP"),
		"the TAP has the MTU and the MAC address and is up");
	check(!tap_new(LAN, &err) && err.code == EEXIST && strstr(err.text, "lan"),
		"a second one of the name is refused: %s", err.text);
	check(gw_tap_index(bench.taps[WAN]) == (int)if_nametoindex("wan"), "its index is known");
	check(gw_tap_carrier(bench.taps[LAN], false) == 0 &&
			output_has("ip link show dev lan", "NO-CARRIER"),
		"carrier off is seen");
	check(gw_tap_carrier(bench.taps[LAN], true) == 0 &&
			!output_has("ip link show dev lan", "NO-CARRIER"),
		"carrier on is seen");
}

static void test_addresses(void)
{
	ip("address add 10.0.0.1/24 dev lan");
	expect("10.0.0.1", "local");
	expect("10.0.0.2", "lan resolve");
	ip("address add 2001:db8::1/64 dev wan nodad");
	expect("2001:db8::1", "local");
	expect("2001:db8::2", "wan resolve");
	ip("address add 10.5.0.1/24 dev lan noprefixroute");
	expect("10.5.0.1", "local");
	expect("10.5.0.2", "none");
	ip("address add 10.6.0.1 peer 10.6.0.9/32 dev wan");
	expect("10.6.0.1", "local");
	expect("10.6.0.9", "wan resolve");
	ip("address del 10.6.0.1 peer 10.6.0.9/32 dev wan");
	expect("10.6.0.1", "none");
	expect("10.6.0.9", "none");
	ip("address add 10.7.0.1/24 dev lo");
	ip("address del 10.5.0.1/24 dev lan");
	expect("10.5.0.1", "none");
	expect("10.7.0.1", "none");
	ip("address add 10.0.1.1/24 dev wan");
	expect("10.0.1.2", "wan resolve");
}

static void test_routes(void)
{
	ip("route add 10.1.0.0/16 via 10.0.0.2");
	expect("10.1.2.3", "lan resolve 10.0.0.2");
	ip("route add 10.1.0.0/16 via 10.0.1.2 metric 10");
	ip("route change 10.1.0.0/16 via 10.0.0.3");
	expect("10.1.2.3", "lan resolve 10.0.0.3");
	ip("route del 10.1.0.0/16 metric 0");
	expect("10.1.2.3", "wan resolve 10.0.1.2");
	ip("route del 10.1.0.0/16");
	expect("10.1.2.3", "none");
	ip("route add blackhole 10.2.0.0/16");
	ip("route add unreachable 10.3.0.0/16");
	ip("route add prohibit 2001:db8:3::/48");
	ip("route add 10.4.0.0/16 via 10.0.0.2 table 100");
	ip("route add default via 10.0.1.2");
	expect("10.2.0.1", "blackhole");
	expect("10.3.0.1", "blackhole");
	expect("2001:db8:3::1", "blackhole");
	expect("10.4.0.1", "wan resolve 10.0.1.2");
	ip("route del default");
	ip("route del blackhole 10.2.0.0/16");
	expect("10.2.0.1", "none");
	ip("route add 10.8.0.0/16 nexthop via 10.0.1.9 dev wan nexthop via 10.0.0.9 dev lan");
	expect("10.8.0.1", "wan resolve 10.0.1.9");
	ip("route replace 10.8.0.0/16 nexthop via 10.0.0.8 dev lan nexthop via 10.0.1.9 dev wan");
	expect("10.8.0.1", "lan resolve 10.0.0.8");
	ip("route del 10.8.0.0/16");
	expect("10.8.0.1", "none");
	ip("route add 10.9.0.0/16 via inet6 fe80::9 dev wan");
	expect("10.9.0.1", "wan resolve fe80::9");
	ip("-6 route add default via fe80::1 dev lan");
	expect("2001:db8:ffff::1", "lan resolve fe80::1");
	ip("-6 route append default via fe80::2 dev wan");
	ip("-6 route del default via fe80::1 dev lan");
	expect("2001:db8:ffff::1", "wan resolve fe80::2");
	ip("-6 route del default via fe80::2 dev wan");
	expect("2001:db8:ffff::1", "none");
	expect("fe80::77", "none");
}

static void test_neighbours(void)
{
	ip("neigh add 10.0.0.9 lladdr " M1 " dev lan nud permanent");
	expect("10.0.0.9", "lan " M1);
	ip("neigh replace 10.0.0.9 lladdr " M2 " dev lan nud stale");
	expect("10.0.0.9", "lan " M2);
	ip("neigh del 10.0.0.9 dev lan");
	expect("10.0.0.9", "lan resolve");
	ip("neigh add 10.0.1.9 lladdr " M1 " dev lan nud permanent");
	ip("neigh add 2001:db8::9 lladdr " M2 " dev wan nud reachable");
	expect("2001:db8::9", "wan " M2);
	expect("10.0.1.9", "wan resolve");
	ip("-6 route add 2001:db8:9::/48 via fe80::9 dev wan");
	ip("neigh add fe80::9 lladdr " M1 " dev wan nud permanent");
	expect("2001:db8:9::1", "wan " M1);
	expect("10.9.0.1", "wan " M1);
	ip("neigh del fe80::9 dev wan");
	expect("2001:db8:9::1", "wan resolve fe80::9");
}

// Both directions through the TAP: the kernel asks, we answer; we ask, the kernel answers.
static void test_frames(void)
{
	static const uint8_t reply[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x11, 8, 6, // Ethernet
		0, 1, 8, 0, 6, 4, 0, 2,                                                 // ARP reply
		2, 0, 0, 0, 0, 0x11, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1 };
	static const uint8_t echo[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x11, 8, 0, // Ethernet
		0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0x66, 0xde, 10, 0, 0, 2, 10, 0, 0, 1, 8, 0, 0xf7,
		0xfd, 0, 1, 0, 1 };
	struct gw_addr addr;

	gw_addr_parse("10.0.0.2", &addr);
	want_frame("\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10, 12);
	check(gw_netlink_resolve(bench.netlink, LAN, &addr) == 0, "the kernel takes the request");
	check(wait_for(frame_found, NULL), "an ARP request comes out of the TAP");
	check(gw_tap_write(bench.taps[LAN], reply, sizeof(reply)) == 0, "the reply goes in");
	expect("10.0.0.2", "lan " M1);
	want_frame("\x0a\0\0\x01\x0a\0\0\x02\0\0", 10, 26);
	check(gw_tap_write(bench.taps[LAN], echo, sizeof(echo)) == 0, "an echo request goes in");
	check(wait_for(frame_found, NULL), "the echo reply comes out");
	gw_addr_parse("2001:db8::77", &addr);
	want_frame("\x87\0", 2, 54);
	check(gw_netlink_resolve(bench.netlink, WAN, &addr) == 0 && wait_for(frame_found, NULL),
		"a neighbour solicitation comes out for IPv6");
	check(gw_netlink_resolve(bench.netlink, 7, &addr) == -ENODEV,
		"a port that is not mirrored is refused");
}

static bool is_learnt(const void *argument)
{
	struct gw_addr addr;
	uint8_t mac[6];

	return gw_addr_parse(argument, &addr) && gw_neighbour_find(bench.db, LAN, &addr, mac);
}

// An ARP request for our address makes the kernel learn whatever sender address it bears. That must
// not draw the traffic of an address that is routed elsewhere.
static void test_forged_sender(void)
{
	static const uint8_t request[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x22, 8,
		6,                      // Ethernet
		0, 1, 8, 0, 6, 4, 0, 1, // ARP request
		2, 0, 0, 0, 0, 0x22, 10, 0, 1, 50, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1 };

	want_frame("\x08\x06\0\x01\x08\0\x06\x04\0\x02", 10, 12);
	check(gw_tap_write(bench.taps[LAN], request, sizeof(request)) == 0 &&
			wait_for(frame_found, NULL),
		"the kernel answers a forged ARP request");
	check(wait_for(is_learnt, "10.0.1.50"), "and learns its sender");
	expect("10.0.1.50", "wan resolve");
}

// Nobody answers: the entry fails, and packets stay held.
static void test_unanswered(void)
{
	struct gw_addr addr;

	set_sysctl("/proc/sys/net/ipv4/neigh/lan/retrans_time_ms", "50");
	ip("neigh replace 10.0.0.50 lladdr " M1 " dev lan nud stale");
	expect("10.0.0.50", "lan " M1);
	ip("neigh replace 10.0.0.50 dev lan nud failed");
	expect("10.0.0.50", "lan resolve");
	gw_addr_parse("10.0.0.51", &addr);
	want_frame("\x0a\0\0\x33", 4, 38);
	check(gw_netlink_resolve(bench.netlink, LAN, &addr) == 0 && wait_for(frame_found, NULL),
		"an unknown neighbour is asked for");
	expect("10.0.0.51", "lan resolve");
}

static bool probe_starts(const void *)
{
	return !output_has("ip neigh show 10.0.0.60 dev lan", "STALE");
}

static void test_confirm(void)
{
	const struct gw_nexthop *nexthop;
	struct gw_addr addr;
	const uint8_t *bytes = addr.bytes;

	gw_addr_parse("10.0.0.60", &addr);
	ip("neigh add 10.0.0.60 lladdr " M1 " dev lan nud stale");
	expect("10.0.0.60", "lan " M1);
	gw_netlink_confirm(bench.netlink);
	check(output_has("ip neigh show 10.0.0.60 dev lan", "STALE"),
		"an entry that nobody uses is left alone");
	gw_fib_lookup(gw_route_db_fib(bench.db), 4, &bytes, 1, &nexthop);
	atomic_store(nexthop->used, 1);
	gw_netlink_confirm(bench.netlink);
	check(wait_for(probe_starts, NULL), "a stale entry in use is confirmed");
}

static void send_bytes(size_t size, char first)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	char data[4096] = { first };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
	if (sendto(sock, data, size, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)size)
		check(false, "send %zu bytes: %s", size, strerror(errno));
	close(sock);
}

static void test_long_frames(void)
{
	ip("neigh replace 10.0.0.2 lladdr " M1 " dev lan nud permanent");
	expect("10.0.0.2", "lan " M1);
	ip("link set dev lan mtu 4000");
	bench.longest = 0;
	want_frame("Z", 1, 42);
	send_bytes(3000, 'X');
	send_bytes(1372, 'Z');
	check(wait_for(frame_found, NULL) && bench.longest == 1414,
		"a frame above the port's MTU is dropped, one of its size comes out");
	ip("link set dev lan mtu 1400");
}

static bool port_is(const void *argument)
{
	return bench.up[LAN] == *(const bool *)argument;
}

static void test_admin(void)
{
	static const uint8_t frame[64] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x11, 8, 0 };
	bool down = false, up = true;

	ip("route add 10.1.0.0/16 via 10.0.0.2");
	expect("10.1.0.1", "lan " M1);
	ip("link set dev lan down");
	check(wait_for(port_is, &down), "the administrator sets the TAP down");
	expect("10.1.0.1", "none");
	expect("10.0.0.99", "none");
	expect("10.0.0.1", "local");
	check(gw_tap_write(bench.taps[LAN], frame, sizeof(frame)) == -EIO,
		"a TAP that is down takes no frame");
	ip("link set dev lan up");
	check(wait_for(port_is, &up), "and up");
	expect("10.0.0.99", "lan resolve");
}

static bool dumped(const void *argument)
{
	return gw_netlink_dumps(bench.netlink) >= *(const uint64_t *)argument;
}

// Makes the mirror wrong behind its back, as lost messages would.
static void test_resync(void)
{
	uint64_t dumps = gw_netlink_dumps(bench.netlink) + 1;
	uint64_t overruns = gw_netlink_overruns(bench.netlink);
	struct gw_route_spec bogus = { .port = "lan" }, missing = { .port = "wan" };
	struct gw_neighbour_spec neighbour = { .port = "wan", .mac = { 2 } };
	struct gw_txn *txn = gw_txn_new();
	struct gw_prefix address;
	int rc = 0;

	gw_prefix_parse("10.77.0.0/16", true, &bogus.destination);
	gw_prefix_parse("10.0.1.0/24", true, &missing.destination);
	gw_prefix_parse("10.78.0.1/16", false, &address);
	gw_addr_parse("10.0.1.33", &neighbour.address);
	rc |= gw_route_add(bench.db, txn, &bogus, GW_ROUTE_KERNEL, 0, NULL);
	rc |= gw_route_delete(bench.db, txn, &missing, GW_ROUTE_KERNEL, 0, NULL);
	rc |= gw_neighbour_add(bench.db, txn, &neighbour, GW_ROUTE_KERNEL, NULL);
	rc |= gw_port_address_add(bench.db, txn, LAN, &address, GW_ROUTE_KERNEL, NULL);
	gw_txn_commit(txn);
	check(rc == 0, "the mirror is made wrong");
	expect("10.77.0.1", "lan resolve");
	expect("10.0.1.1", "local");
	expect("10.78.0.1", "local");
	gw_netlink_resync(bench.netlink);
	check(wait_for(dumped, &dumps), "a dump follows");
	check(gw_netlink_overruns(bench.netlink) == overruns + 1, "the overrun is counted");
	expect("10.77.0.1", "none");
	expect("10.78.0.1", "none");
	expect("10.0.1.33", "wan resolve");
}

static void many_routes(const char *verb)
{
	FILE *pipe = popen("ip -batch -", "w");

	for (int i = 0; pipe && i < MANY; i++)
		fprintf(pipe, "route %s 10.%d.%d.0/24 via 10.0.1.2 dev wan\n", verb, 100 + i / 200,
			i % 200);
	check(pipe && pclose(pipe) == 0, "ip route %s, %d times", verb, MANY);
}

static bool overran(const void *)
{
	return gw_netlink_overruns(bench.netlink) > 0;
}

// The event loop does not run while ip does, so a small socket buffer fills up.
static void test_overrun(void)
{
	gw_netlink_free(bench.netlink);
	if (!mirror_new(4096))
		return;
	many_routes("add");
	check(wait_for(overran, NULL), "the socket overruns");
	expect("10.100.0.1", "wan resolve 10.0.1.2");
	expect("10.102.199.1", "wan resolve 10.0.1.2");
	many_routes("del");
	expect("10.100.0.1", "none");
	expect("10.102.199.1", "none");
	check(gw_netlink_failures(bench.netlink) == 0, "nothing failed");
}

// More routes than there is room for: said and counted, and the rest goes on.
static void test_limit(void)
{
	gw_netlink_free(bench.netlink);
	gw_route_db_free(bench.db);
	database_new(MANY / 2);
	if (!mirror_new(0))
		return;
	many_routes("add");
	expect("10.100.0.1", "wan resolve 10.0.1.2");
	ip("neigh replace 10.0.1.2 lladdr " M2 " dev wan nud permanent");
	expect("10.100.0.1", "wan " M2);
	check(gw_netlink_failures(bench.netlink) > 0, "what finds no room is counted");
	many_routes("del");
	expect("10.100.0.1", "none");
	ip("route add 10.1.0.0/16 via 10.0.1.2");
	expect("10.1.0.1", "wan " M2);
}

static void test_deleted(void)
{
	bool down = false;

	ip("link del dev lan");
	check(wait_for(port_is, &down), "a deleted TAP counts as down");
	expect("10.0.0.1", "none");
	check(gw_tap_write(bench.taps[LAN], macs[0], sizeof(macs)) < 0, "and takes no frame");
	gw_tap_free(bench.taps[LAN]);
	bench.taps[LAN] = NULL;
	gw_tap_free(bench.taps[WAN]);
	bench.taps[WAN] = NULL;
	check(if_nametoindex("wan") == 0, "a freed TAP vanishes");
}

// Its changes must not reach a namespace in use.
static bool namespace_is_fresh(void)
{
	struct if_nameindex *names = if_nameindex();
	bool fresh = names && names[0].if_index && strcmp(names[0].if_name, "lo") == 0 &&
		     !names[1].if_index;

	if_freenameindex(names);
	return fresh;
}

static bool start(void)
{
	struct gw_error err = {};

	bench.events = event_base_new();
	bench.qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, 4096);
	rte_rcu_qsbr_init(bench.qsbr, 1);
	bench.reclaim = gw_reclaim_new(bench.qsbr);
	database_new(4 * MANY);
	for (uint16_t port = LAN; port <= WAN; port++) {
		bench.taps[port] = tap_new(port, &err);
		if (!check(bench.taps[port], "the TAP %s is made %s", port_names[port], err.text))
			return false;
	}
	return mirror_new(0);
}

static void stop(void)
{
	gw_netlink_free(bench.netlink);
	gw_tap_free(bench.taps[LAN]);
	gw_tap_free(bench.taps[WAN]);
	gw_route_db_free(bench.db);
	gw_reclaim_free(bench.reclaim);
	free(bench.qsbr);
	event_base_free(bench.events);
}

int main(void)
{
	if (!namespace_is_fresh()) {
		fprintf(stderr, "linux_mirror changes interfaces and routes: run "
				"tests/functional/test_linux_mirror.sh, which gives it a network "
				"namespace of its own\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ip("link set dev lo up");
	if (start()) {
		test_tap();
		test_addresses();
		test_routes();
		test_neighbours();
		test_frames();
		test_forged_sender();
		test_unanswered();
		test_confirm();
		test_long_frames();
		test_admin();
		test_resync();
		test_overrun();
		test_limit();
		test_deleted();
	}
	stop();
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
