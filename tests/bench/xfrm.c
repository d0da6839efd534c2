// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Installs CHILD_SAs over the XFRM socket as charon does, as fast as the daemon takes them: for
// each an SPI, the SA in (an update of the SPI's), the SA out, and the policies in, fwd and out.
// One connection, with so many requests unanswered.
//
// usage: bench_xfrm SOCKET FIRST COUNT WINDOW OURS THEIRS [hosts]
// Of COUNT CHILD_SAs, the first of number FIRST; WINDOW: how many requests may be unanswered.
// hosts: in transport mode, each with a peer of its own, as for L2TP. Prints the seconds that it
// took.

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "xfrm/wire.h"

#define FIRST_SPI   0x20000000u
#define FIRST_REQID 0x00800000u // others may count from 1
#define REQUESTS    6           // of a CHILD_SA

struct message {
	struct nlmsghdr header;
	uint8_t rest[1024];
};

struct ends {
	uint32_t ours, theirs; // network order
	bool hosts; // transport mode with as many peers, for L2TP (RFC 3193): theirs and the next
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void begin(struct message *message, uint16_t type, size_t body)
{
	memset(message, 0, sizeof(*message));
	message->header = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH((uint32_t)body),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
}

static void put(struct message *message, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attribute =
		(struct nlattr *)((uint8_t *)message + message->header.nlmsg_len);

	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	memcpy((uint8_t *)attribute + NLA_HDRLEN, data, size);
	message->header.nlmsg_len += (uint32_t)(NLA_HDRLEN + NLA_ALIGN(size));
}

static const struct xfrm_lifetime_cfg no_limits = { .soft_byte_limit = XFRM_INF,
	.hard_byte_limit = XFRM_INF,
	.soft_packet_limit = XFRM_INF,
	.hard_packet_limit = XFRM_INF };

static uint32_t spi_of(uint32_t number, bool out)
{
	return htonl(FIRST_SPI + 2 * number + out);
}

// Keys that no two SAs have; that anybody can tell them does not matter here.
static void put_key(struct message *message, uint32_t spi)
{
	struct {
		struct xfrm_algo_aead head;
		uint32_t key[5];
	} aead = {
		.head = { .alg_name = "rfc4106(gcm(aes))", .alg_key_len = 160, .alg_icv_len = 128 },
		.key = { spi, 1, 2, 3, spi }
	};

	put(message, XFRMA_ALG_AEAD, &aead, sizeof(aead));
}

static uint32_t peer(const struct ends *ends, uint32_t number)
{
	return ends->hosts ? htonl(ntohl(ends->theirs) + number) : ends->theirs;
}

static uint8_t mode(const struct ends *ends)
{
	return ends->hosts ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
}

static void sa(struct message *message, const struct ends *ends, uint32_t number, bool out)
{
	struct xfrm_usersa_info *info;

	begin(message, out ? XFRM_MSG_NEWSA : XFRM_MSG_UPDSA, sizeof(*info));
	info = NLMSG_DATA(&message->header);
	info->family = AF_INET;
	info->saddr.a4 = out ? ends->ours : peer(ends, number);
	info->id.daddr.a4 = out ? peer(ends, number) : ends->ours;
	info->id.spi = spi_of(number, out);
	info->id.proto = IPPROTO_ESP;
	info->mode = mode(ends);
	info->reqid = FIRST_REQID + number;
	info->replay_window = out ? 0 : 32;
	info->lft = no_limits;
	put_key(message, info->id.spi);
}

static void spi(struct message *message, const struct ends *ends, uint32_t number)
{
	struct xfrm_userspi_info *wire;

	begin(message, XFRM_MSG_ALLOCSPI, sizeof(*wire));
	message->header.nlmsg_flags = NLM_F_REQUEST; // the SPI is the answer
	wire = NLMSG_DATA(&message->header);
	wire->info.family = AF_INET;
	wire->info.saddr.a4 = peer(ends, number);
	wire->info.id.daddr.a4 = ends->ours;
	wire->info.id.proto = IPPROTO_ESP;
	wire->info.mode = mode(ends);
	wire->info.reqid = FIRST_REQID + number;
	wire->min = wire->max = ntohl(spi_of(number, false));
}

static void policy(
	struct message *message, const struct ends *ends, uint32_t number, uint8_t direction)
{
	bool out = direction == XFRM_POLICY_OUT;
	uint32_t there = ends->hosts ? peer(ends, number) : htonl(0xac000000u + number);
	uint32_t here = ends->hosts ? ends->ours : htonl(0x0a010000u);
	struct xfrm_user_tmpl template = { .family = AF_INET,
		.reqid = FIRST_REQID + number,
		.mode = mode(ends),
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX };
	struct xfrm_userpolicy_info *info;

	begin(message, XFRM_MSG_NEWPOLICY, sizeof(*info));
	info = NLMSG_DATA(&message->header);
	info->sel.family = AF_INET;
	info->sel.saddr.a4 = out ? here : there;
	info->sel.daddr.a4 = out ? there : here;
	info->sel.prefixlen_s = out && !ends->hosts ? 16 : 32;
	info->sel.prefixlen_d = out || ends->hosts ? 32 : 16;
	if (ends->hosts) {
		info->sel.proto = IPPROTO_UDP;
		*(out ? &info->sel.sport : &info->sel.dport) = htons(1701);
		*(out ? &info->sel.sport_mask : &info->sel.dport_mask) = UINT16_MAX;
	}
	info->priority = 371327;
	info->dir = direction;
	info->lft = no_limits;
	template.saddr.a4 = out ? ends->ours : peer(ends, number);
	template.id.daddr.a4 = out ? peer(ends, number) : ends->ours;
	template.id.proto = IPPROTO_ESP;
	template.id.spi = out ? spi_of(number, true) : 0;
	put(message, XFRMA_TMPL, &template, sizeof(template));
}

static void request(struct message *message, const struct ends *ends, uint32_t index)
{
	uint32_t number = index / REQUESTS;

	switch (index % REQUESTS) {
	case 0:
		spi(message, ends, number);
		break;
	case 1:
		sa(message, ends, number, false);
		break;
	case 2:
		sa(message, ends, number, true);
		break;
	case 3:
		policy(message, ends, number, XFRM_POLICY_IN);
		break;
	case 4:
		policy(message, ends, number, XFRM_POLICY_FWD);
		break;
	default:
		policy(message, ends, number, XFRM_POLICY_OUT);
	}
	message->header.nlmsg_seq = index + 1;
}

static void answer(int fd)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[8192];
	} buffer;
	ssize_t size = recv(fd, &buffer, sizeof(buffer), 0);
	const struct nlmsgerr *error = NLMSG_DATA(&buffer.header);

	if (size < (ssize_t)sizeof(buffer.header))
		die("the daemon's answer");
	if (buffer.header.nlmsg_type == NLMSG_ERROR && error->error) {
		fprintf(stderr, "request %u: %s\n", buffer.header.nlmsg_seq,
			strerror(-error->error));
		exit(1);
	}
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct {
		struct nlmsghdr header;
		struct gw_xfrm_hello hello;
	} hello = { .header = { .nlmsg_len = sizeof(hello), .nlmsg_type = GW_XFRM_HELLO },
		.hello = { .protocol = GW_XFRM_PROTOCOL, .port = 1, .program = "bench" } };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		send(fd, &hello, sizeof(hello), 0) < 0)
		die(path);
	return fd;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	uint32_t first, end, window, sent, answered;
	struct ends ends;
	double began;
	int fd;

	if (argc < 7 || argc > 8 || inet_pton(AF_INET, argv[5], &ends.ours) != 1 ||
		inet_pton(AF_INET, argv[6], &ends.theirs) != 1) {
		fprintf(stderr,
			"usage: bench_xfrm SOCKET FIRST COUNT WINDOW OURS THEIRS [hosts]\n");
		return 2;
	}
	first = (uint32_t)atoi(argv[2]) * REQUESTS;
	end = first + (uint32_t)atoi(argv[3]) * REQUESTS;
	window = (uint32_t)atoi(argv[4]);
	ends.hosts = argc > 7;
	fd = dial(argv[1]);
	began = now();
	for (sent = answered = first; answered < end; answered++) {
		for (; sent < end && sent - answered < window; sent++) {
			struct message message;

			request(&message, &ends, sent);
			if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
				die("send");
		}
		answer(fd);
	}
	printf("%.6f\n", now() - began);
	return 0;
}
