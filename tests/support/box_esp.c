// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "box_esp.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "ipsec/esp.h"

static void must(bool good)
{
	if (!good)
		abort();
}

uint8_t *box_ip(struct box_frame *frame)
{
	return frame->data + RTE_ETHER_HDR_LEN;
}

size_t box_ip_bytes(const struct box_frame *frame)
{
	return frame->data[RTE_ETHER_HDR_LEN] >> 4 == 4 ? 20 : 40;
}

static size_t write_v4(uint8_t *out, const struct gw_addr *source,
	const struct gw_addr *destination, uint8_t protocol, size_t size)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)out;

	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + size));
	ip->time_to_live = 64;
	ip->next_proto_id = protocol;
	memcpy(&ip->src_addr, source->bytes, 4);
	memcpy(&ip->dst_addr, destination->bytes, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return sizeof(*ip);
}

static size_t write_v6(uint8_t *out, const struct gw_addr *source,
	const struct gw_addr *destination, uint8_t protocol, size_t size)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)out;

	ip->vtc_flow = RTE_BE32(0x60000000);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)size);
	ip->proto = protocol;
	ip->hop_limits = 64;
	memcpy(ip->src_addr, source->bytes, 16);
	memcpy(ip->dst_addr, destination->bytes, 16);
	return sizeof(*ip);
}

struct box_frame box_packet(unsigned int port, const char *source, const char *destination,
	uint8_t protocol, const void *payload, size_t size)
{
	struct box_frame frame = {};
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame.data;
	struct gw_addr from, to;
	size_t header;

	must(gw_addr_parse(source, &from) && gw_addr_parse(destination, &to));
	must(size <= sizeof(frame.data) - RTE_ETHER_HDR_LEN - 40);
	memcpy(&ether->dst_addr, box_macs[port], 6);
	memcpy(&ether->src_addr, box_neighbours[port], 6);
	ether->ether_type =
		rte_cpu_to_be_16(from.family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	header = from.family == 4 ? write_v4(box_ip(&frame), &from, &to, protocol, size)
				  : write_v6(box_ip(&frame), &from, &to, protocol, size);
	memcpy(box_ip(&frame) + header, payload, size);
	frame.size = RTE_ETHER_HDR_LEN + header + size;
	return frame;
}

bool box_ip_is_right(struct box_frame *frame)
{
	const uint8_t *ip = box_ip(frame);
	size_t bytes = frame->size - RTE_ETHER_HDR_LEN;

	if (ip[0] >> 4 == 6)
		return (size_t)(ip[4] << 8 | ip[5]) + 40 == bytes;
	return (size_t)(ip[2] << 8 | ip[3]) == bytes &&
	       gw_checksum_finish(gw_checksum_add(0, ip, (ip[0] & 15u) * 4)) == 0;
}

static struct gw_crypto_key *make_key(uint8_t byte)
{
	uint8_t bytes[20];
	struct gw_crypto_key_spec spec = { .encryption = GW_ENCRYPTION_AES_GCM_16,
		.encryption_key = bytes,
		.encryption_key_bytes = sizeof(bytes) };
	struct gw_crypto_key *key;

	memset(bytes, byte, sizeof(bytes));
	key = gw_crypto_key_new(&spec, NULL);
	must(key);
	return key;
}

struct box_peer box_peer_with(uint8_t in, uint8_t out)
{
	return (struct box_peer){ gw_crypto_engine_new(), make_key(in), make_key(out) };
}

struct box_peer box_peer_new(void)
{
	return box_peer_with(1, 0);
}

void box_peer_free(struct box_peer *peer)
{
	gw_crypto_key_free(peer->in);
	gw_crypto_key_free(peer->out);
	gw_crypto_engine_free(peer->engine);
}

size_t box_seal(const struct box_peer *peer, uint32_t spi, uint32_t sequence, const void *data,
	size_t size, uint8_t next_header, uint8_t *esp)
{
	uint32_t padding = gw_esp_padding((uint32_t)size, 4);
	uint8_t text[2048];

	must(size + padding + GW_ESP_TRAILER_BYTES <= sizeof(text));
	memcpy(text, data, size);
	gw_esp_trailer_write(text + size, padding, next_header);
	return box_seal_text(peer, spi, sequence, text, size + padding + GW_ESP_TRAILER_BYTES, esp);
}

size_t box_seal_text(const struct box_peer *peer, uint32_t spi, uint32_t sequence, const void *text,
	size_t size, uint8_t *esp)
{
	struct gw_crypto_op op = {
		.key = peer->in, .esp = esp, .payload_bytes = (uint32_t)size, .sequence = sequence
	};

	((struct gw_esp_header *)esp)->spi = rte_cpu_to_be_32(spi);
	((struct gw_esp_header *)esp)->sequence = rte_cpu_to_be_32(sequence);
	memcpy(esp + 16, text, size);
	gw_crypto_seal(peer->engine, &op, 1);
	must(op.status == GW_CRYPTO_OK);
	return 16 + size + 16;
}

int box_open(const struct box_peer *peer, uint8_t *esp, size_t size, const uint8_t **data,
	uint8_t *next_header)
{
	struct gw_crypto_op op = { .key = peer->out, .esp = esp };

	if (size < 16 + 4 + 16)
		return -1;
	op.payload_bytes = (uint32_t)size - 32;
	op.sequence = rte_be_to_cpu_32(((const struct gw_esp_header *)esp)->sequence);
	gw_crypto_open(peer->engine, &op, 1);
	if (op.status != GW_CRYPTO_OK)
		return -1;
	*data = esp + 16;
	return gw_esp_trailer_read(esp + 16, op.payload_bytes, next_header);
}
