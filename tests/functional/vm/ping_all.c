// Runs in a guest and on the host of its test. Nothing else calls it.
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// ping_all [-o] ADDRESS COUNT BYTES: a ping that waits for each of its replies, however busy the
// machine is; ping(8) gives up two round trips after its last request.
//
// With -o there is before each request every kind of header that IPsec has to step over or, with
// AH, to cover. IPv4: the options router alert, which stays as it is, and record route, which every
// router may change. IPv6: hop-by-hop and destination options headers, each with an option that may
// change and one that may not.

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX_COUNT = 64, MAX_DATA = 8000, GAP_US = 20000, PATIENCE_SECONDS = 10 };

// Both families begin alike.
struct echo {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
	uint8_t data[MAX_DATA];
};

enum { HEADER_BYTES = offsetof(struct echo, data) };

static void check(ssize_t result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
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

static int open_socket(const char *address, bool six, bool options)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	int fd = six ? socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
		     : socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	check(fd, "socket");
	if (inet_pton(six ? AF_INET6 : AF_INET, address,
		    six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1) {
		fprintf(stderr, "%s is no address\n", address);
		exit(2);
	}
	check(connect(fd, six ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4,
		      six ? sizeof(v6) : sizeof(v4)),
		"connect");
	check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "SO_RCVTIMEO");
	if (options && six)
		add_options_v6(fd);
	else if (options)
		add_options_v4(fd);
	return fd;
}

static void send_all(int fd, bool six, struct echo *request, unsigned int count, size_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		request->sequence = htons((uint16_t)i);
		request->checksum = 0;
		if (!six)
			request->checksum = checksum(request, size);
		check(send(fd, request, size, 0), "send");
		usleep(GAP_US);
	}
}

// The number of the request that the message answers, or -1. IPv4's begins with its header.
static int answered(const uint8_t *message, size_t bytes, bool six, const struct echo *request,
	unsigned int count, size_t size)
{
	size_t header = six ? 0 : (message[0] & 15) * 4u;
	struct echo reply;
	unsigned int number;

	if (bytes != header + size)
		return -1;
	memcpy(&reply, message + header, size);
	number = ntohs(reply.sequence);
	if (reply.type != (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || reply.id != request->id ||
		number >= count || memcmp(reply.data, request->data, size - HEADER_BYTES) != 0)
		return -1;
	return (int)number;
}

static int await_all(int fd, bool six, const struct echo *request, unsigned int count, size_t size)
{
	static uint8_t message[sizeof(struct echo) + 60];
	bool seen[MAX_COUNT] = {};

	for (unsigned int left = count; left > 0;) {
		ssize_t bytes = recv(fd, message, sizeof(message), 0);
		int number;

		if (bytes < 0) {
			fprintf(stderr, "%u of %u are not answered:", left, count);
			for (unsigned int i = 0; i < count; i++)
				if (!seen[i])
					fprintf(stderr, " %u", i);
			fprintf(stderr, "\n");
			return 1;
		}
		number = answered(message, (size_t)bytes, six, request, count, size);
		if (number < 0 || seen[number])
			continue;
		seen[number] = true;
		left--;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct echo request;
	const bool options = argc > 1 && strcmp(argv[1], "-o") == 0;
	char **words = argv + 1 + options;
	unsigned int count, bytes;
	bool six;
	int fd;

	if (argc - options != 4) {
		fprintf(stderr, "usage: ping_all [-o] ADDRESS COUNT BYTES\n");
		return 2;
	}
	count = (unsigned int)atoi(words[1]);
	bytes = (unsigned int)atoi(words[2]);
	if (count > MAX_COUNT || bytes > MAX_DATA)
		return 2;
	six = strchr(words[0], ':');
	request.type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	request.id = htons((uint16_t)getpid());
	for (unsigned int i = 0; i < bytes; i++)
		request.data[i] = (uint8_t)(i * 7);
	fd = open_socket(words[0], six, options);
	send_all(fd, six, &request, count, HEADER_BYTES + bytes);
	return await_all(fd, six, &request, count, HEADER_BYTES + bytes);
}
