// Runs in a guest. Nothing else calls it.
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Holds UDP port 4500 of both families open for ESP (RFC 3948), as an IKE daemon does: without such
// a socket Linux decapsulates nothing. A policy of its own lets the outer packet in, which one of
// transport mode matches as well as it does the inner packet.

#include <linux/xfrm.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAT_T_PORT = 4500 };

static void open_port(const struct sockaddr *address, socklen_t length)
{
	int on = 1, kind = UDP_ENCAP_ESPINUDP;
	const bool six = address->sa_family == AF_INET6;
	const struct xfrm_userpolicy_info bypass = {
		.sel.family = address->sa_family,
		.dir = XFRM_POLICY_IN,
		.action = XFRM_POLICY_ALLOW,
	};
	int fd = socket(address->sa_family, SOCK_DGRAM, 0);
	if (fd < 0 || (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
		setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
			six ? IPV6_XFRM_POLICY : IP_XFRM_POLICY, &bypass, sizeof(bypass)) != 0 ||
		bind(fd, address, length) != 0 ||
		setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof(kind)) != 0) {
		perror("udp_encap");
		exit(1);
	}
}

int main(void)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(NAT_T_PORT) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(NAT_T_PORT) };
	open_port((const struct sockaddr *)&v4, sizeof(v4));
	open_port((const struct sockaddr *)&v6, sizeof(v6));
	for (;;)
		pause();
}
