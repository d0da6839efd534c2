// Runs on hosts of the functional tests and in a guest. Nothing else calls it.
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A ping that waits for each of its replies, however busy the machine is, and looks at what they
// hold; ping(8) gives up two round trips or an interval after its last request.
//
//   ping_all [-c COUNT] [-i SECONDS] [-s BYTES] [-W SECONDS] [-M do|dont] [-I SOURCE] [-p HEX] [-o]
//   ADDRESS
//
// The options are those of ping(8). Without -c it goes on until SIGINT, and then waits for what is
// missing; -W is how long it waits without any reply. With -o there is before each request every
// kind of header that IPsec has to step over or, with AH, to cover. IPv4: the options router alert,
// which stays as it is, and record route, which every router may change. IPv6: hop-by-hop and
// destination options headers, each with an option that may change and one that may not.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COUNT = 65535, MAX_DATA = 9000, ROOM = 8 << 20 };

// Both families begin alike.
struct echo {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
	uint8_t data[MAX_DATA];
};

enum { HEADER_BYTES = offsetof(struct echo, data) };

static struct {
	const char *address, *source;
	unsigned int count, gap_ms, patience_ms, bytes;
	int discover; // as IP_MTU_DISCOVER has it; -1: the kernel's
	bool six, options;
} wanted = { .gap_ms = 20, .patience_ms = 30000, .bytes = 56, .discover = -1 };

static volatile sig_atomic_t told_to_end;

static void on_signal(int)
{
	told_to_end = 1;
}

static void check(ssize_t result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void usage(void)
{
	fprintf(stderr,
		"usage: ping_all [-c COUNT] [-i SECONDS] [-s BYTES] [-W SECONDS] [-M do|dont] "
		"[-I SOURCE] [-p HEX] [-o] ADDRESS\n");
	exit(2);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static uint16_t checksum(const struct echo *echo, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void add_options_v4(int fd)
{
	static const uint8_t options[] = {
		148, 4, 0, 0,                        // router alert (RFC 2113)
		7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, // record route,
		0, 0, 0, 1,                          // for three routers; no operation
	};

	check(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)), "IP_OPTIONS");
}

static void add_options_v6(int fd)
{
	// Skipped where unknown; 0x20 in the type: may change on the way (RFC 8200 section 4.2).
	static const uint8_t options[] = {
		0, 1,                      // next header is the kernel's to fill in; 16 bytes
		0x3e, 4, 1, 2, 3, 4,       // may change
		0x1e, 4, 5, 6, 7, 8, 1, 0, // may not; padding
	};

	check(setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, options, sizeof(options)), "IPV6_HOPOPTS");
	check(setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)), "IPV6_DSTOPTS");
}

static socklen_t parse(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = wanted.six ? AF_INET6 : AF_INET;
	if (inet_pton(address->ss_family, text,
		    wanted.six ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) != 1)
		usage();
	return wanted.six ? sizeof(*v6) : sizeof(*v4);
}

static int open_socket(void)
{
	const int room = ROOM;
	struct sockaddr_storage address;
	socklen_t size;
	int fd = wanted.six ? socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
			    : socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	check(fd, "socket");
	// For all that comes while others have the CPU.
	check(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), "SO_RCVBUFFORCE");
	if (wanted.source) {
		size = parse(wanted.source, &address);
		check(bind(fd, (struct sockaddr *)&address, size), "bind");
	}
	size = parse(wanted.address, &address);
	check(connect(fd, (struct sockaddr *)&address, size), "connect");
	if (wanted.discover >= 0)
		check(setsockopt(fd, wanted.six ? IPPROTO_IPV6 : IPPROTO_IP,
			      wanted.six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &wanted.discover,
			      sizeof(wanted.discover)),
			"MTU_DISCOVER");
	if (wanted.options && wanted.six)
		add_options_v6(fd);
	else if (wanted.options)
		add_options_v4(fd);
	return fd;
}

static void send_one(int fd, struct echo *request, unsigned int number)
{
	const size_t size = HEADER_BYTES + wanted.bytes;

	request->sequence = htons((uint16_t)number);
	request->checksum = 0;
	if (!wanted.six)
		request->checksum = checksum(request, size);
	// What an ICMP error has said of an earlier one is told here, once; that one is missed in
	// the end.
	if (send(fd, request, size, 0) < 0)
		check(send(fd, request, size, 0), "send");
}

// The number of the request that the message answers, or -1. IPv4's begins with its header.
static int answered(const uint8_t *message, size_t bytes, const struct echo *request)
{
	const size_t header = wanted.six ? 0 : (message[0] & 15) * 4u;
	struct echo reply;

	if (bytes != header + HEADER_BYTES + wanted.bytes)
		return -1;
	memcpy(&reply, message + header, HEADER_BYTES + wanted.bytes);
	if (reply.type != (wanted.six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
		reply.id != request->id || memcmp(reply.data, request->data, wanted.bytes) != 0)
		return -1;
	return ntohs(reply.sequence);
}

// Takes a reply, for which it waits so long; whether it is the first to one of the requests.
static bool take(int fd, const struct echo *request, bool *seen, int64_t wait_ms)
{
	static uint8_t message[sizeof(struct echo) + 60];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t bytes;
	int number;

	if (poll(&ready, 1, wait_ms > 0 ? (int)wait_ms : 0) <= 0)
		return false;
	bytes = recv(fd, message, sizeof(message), MSG_DONTWAIT);
	if (bytes <= 0)
		return false;
	number = answered(message, (size_t)bytes, request);
	if (number < 0 || seen[number])
		return false;
	seen[number] = true;
	return true;
}

static int ping(int fd, struct echo *request)
{
	static bool seen[MAX_COUNT + 1];
	unsigned int sent = 0, received = 0;
	int64_t next_ms = now_ms(), heard_ms;

	while (!told_to_end && sent < wanted.count) {
		if (now_ms() >= next_ms) {
			send_one(fd, request, sent++);
			next_ms = now_ms() + wanted.gap_ms;
		}
		received += take(fd, request, seen, next_ms - now_ms());
	}
	heard_ms = now_ms();
	while (received < sent && now_ms() - heard_ms < wanted.patience_ms)
		if (take(fd, request, seen, heard_ms + wanted.patience_ms - now_ms())) {
			received++;
			heard_ms = now_ms();
		}
	printf("%u packets transmitted, %u received\n", sent, received);
	for (unsigned int i = 0, told = 0; i < sent && told < 20; i++)
		if (!seen[i] && ++told)
			printf("no answer to %u\n", i);
	return sent > 0 && received == sent ? 0 : 1;
}

static unsigned int number_of(const char *text, double factor, unsigned int most)
{
	char *end;
	double number = strtod(text, &end) * factor;

	if (*end || end == text || !(number >= 0 && number <= most))
		usage();
	return (unsigned int)(number + 0.5);
}

// The pattern, again and again; of ping_all's own without one.
static void fill(struct echo *request, const char *hex)
{
	const size_t length = hex ? strlen(hex) / 2 : 0;

	for (unsigned int i = 0; i < wanted.bytes; i++) {
		unsigned int byte = i * 7;

		if (length && sscanf(hex + i % length * 2, "%2x", &byte) != 1)
			usage();
		request->data[i] = (uint8_t)byte;
	}
}

int main(int argc, char **argv)
{
	static struct echo request;
	const struct sigaction end = { .sa_handler = on_signal };
	const char *pattern = NULL;
	int option;

	wanted.count = MAX_COUNT;
	while ((option = getopt(argc, argv, "c:i:s:W:M:I:p:o")) != -1)
		switch (option) {
		case 'c':
			wanted.count = number_of(optarg, 1, MAX_COUNT);
			break;
		case 'i':
			wanted.gap_ms = number_of(optarg, 1000, 60000);
			break;
		case 's':
			wanted.bytes = number_of(optarg, 1, MAX_DATA);
			break;
		case 'W':
			wanted.patience_ms = number_of(optarg, 1000, 600000);
			break;
		case 'M':
			wanted.discover =
				strcmp(optarg, "do") == 0 ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
			break;
		case 'I':
			wanted.source = optarg;
			break;
		case 'p':
			pattern = optarg;
			break;
		case 'o':
			wanted.options = true;
			break;
		default:
			usage();
		}
	if (optind != argc - 1)
		usage();
	wanted.address = argv[optind];
	wanted.six = strchr(wanted.address, ':');
	request.type = wanted.six ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	request.id = htons((uint16_t)getpid());
	fill(&request, pattern);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	return ping(open_socket(), &request);
}
