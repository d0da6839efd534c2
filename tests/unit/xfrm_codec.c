// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "run.h"
#include "xfrm/larval.h"
#include "xfrm/policy.h"
#include "xfrm/sa.h"
#include "xfrm/selector.h"
#include "xfrm/server.h"
#include "xfrm/state.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Reads a message that is whole and correct.
static void parse(struct nl_msg *message, struct gw_xfrm_request *request)
{
	struct gw_error err = {};

	ck_assert_msg(gw_xfrm_request_parse(nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len,
			      request, &err) == 0,
		"%s", err.text);
}

static struct gw_sa_spec make_sa(enum gw_direction direction)
{
	struct gw_sa_spec spec = { .direction = direction,
		.protocol = GW_PROTOCOL_ESP,
		.spi = 0x12345678,
		.source = { 4, { 192, 0, 2, 1 } },
		.destination = { 4, { 192, 0, 2, 2 } },
		.reqid = 7,
		.replay_window = 32,
		.dscp = GW_DSCP_COPY };

	return spec;
}

// The message that a kernel would write about spec, read again.
static int round_trip(const struct gw_sa_spec *spec, struct gw_sa_spec *read, struct gw_error *err)
{
	struct gw_xfrm_sa_extra extra = { .reqid = spec->reqid,
		.flags = spec->esn ? XFRM_STATE_ESN : 0,
		.encryption_key_bytes = spec->encryption_key_bytes,
		.integrity_key_bytes = spec->integrity_key_bytes };
	struct gw_xfrm_sa_use use = {};
	struct gw_xfrm_request request;
	struct xfrm_usersa_info info;
	struct nl_msg *message;
	int rc;

	memcpy(extra.encryption_key, spec->encryption_key, sizeof(extra.encryption_key));
	memcpy(extra.integrity_key, spec->integrity_key, sizeof(extra.integrity_key));
	gw_xfrm_sa_info_write(spec, &extra, &use, &info);
	message = gw_xfrm_event_new(XFRM_MSG_NEWSA, &info, sizeof(info));
	ck_assert_int_eq(gw_xfrm_sa_attributes_write(message, spec, &extra, &use), 0);
	parse(message, &request);
	*read = (struct gw_sa_spec){ .direction = spec->direction, .reqid = spec->reqid };
	rc = gw_xfrm_sa_read(&request, read, &extra, err);
	nlmsg_free(message);
	return rc;
}

static void assert_same(const struct gw_sa_spec *a, const struct gw_sa_spec *b)
{
	ck_assert_int_eq(a->protocol, b->protocol);
	ck_assert_int_eq(a->mode, b->mode);
	ck_assert_uint_eq(a->spi, b->spi);
	ck_assert(gw_addr_equal(&a->source, &b->source));
	ck_assert(gw_addr_equal(&a->destination, &b->destination));
	ck_assert_int_eq(a->encryption, b->encryption);
	ck_assert_int_eq(a->integrity, b->integrity);
	ck_assert_uint_eq(a->encryption_key_bytes, b->encryption_key_bytes);
	ck_assert_uint_eq(a->integrity_key_bytes, b->integrity_key_bytes);
	ck_assert_mem_eq(a->encryption_key, b->encryption_key, sizeof(a->encryption_key));
	ck_assert_mem_eq(a->integrity_key, b->integrity_key, sizeof(a->integrity_key));
	ck_assert_int_eq(a->esn, b->esn);
	ck_assert_uint_eq(a->sequence, b->sequence);
	ck_assert(gw_lifetime_equal(&a->lifetime, &b->lifetime));
	ck_assert_uint_eq(a->encapsulation.source_port, b->encapsulation.source_port);
	ck_assert_uint_eq(a->encapsulation.destination_port, b->encapsulation.destination_port);
}

static void fill_keys(struct gw_sa_spec *spec, unsigned int length)
{
	const struct gw_encryption *encryption = &gw_encryptions[spec->encryption];

	spec->encryption_key_bytes =
		(uint8_t)(encryption->key_bytes[length]
				  ? encryption->key_bytes[length] + encryption->salt_bytes
				  : 0);
	spec->integrity_key_bytes = gw_integrities[spec->integrity].key_bytes;
	for (unsigned int i = 0; i < spec->encryption_key_bytes; i++)
		spec->encryption_key[i] = (uint8_t)(i + 1);
	for (unsigned int i = 0; i < spec->integrity_key_bytes; i++)
		spec->integrity_key[i] = (uint8_t)(i + 101);
}

START_TEST(every_algorithm_comes_back)
{
	for (unsigned int e = 1; e < GW_ENCRYPTION_COUNT; e++)
		for (unsigned int i = 0; i < GW_INTEGRITY_COUNT; i++)
			for (unsigned int length = 0; length < GW_KEY_LENGTHS; length++) {
				struct gw_sa_spec spec = make_sa(GW_DIRECTION_OUT), read;
				struct gw_error err = {};

				if (gw_encryptions[e].aead == (i != GW_INTEGRITY_NONE) ||
					(length && !gw_encryptions[e].key_bytes[length]))
					continue;
				spec.encryption = (enum gw_encryption_id)e;
				spec.integrity = (enum gw_integrity_id)i;
				fill_keys(&spec, length);
				ck_assert_msg(round_trip(&spec, &read, &err) == 0, "%s: %s",
					gw_encryptions[e].name, err.text);
				assert_same(&spec, &read);
				gw_sa_spec_wipe(&read);
			}
}
END_TEST

START_TEST(what_an_sa_has_comes_back)
{
	static const struct gw_sa_spec changes[] = {
		{ .mode = GW_MODE_TRANSPORT },
		{ .protocol = GW_PROTOCOL_AH, .integrity = GW_INTEGRITY_HMAC_SHA1_96 },
		{ .esn = true, .sequence = 0x500000003 },
		{ .sequence = 77 },
		{ .encapsulation = { 4500, 61000 } },
		{ .lifetime = { .soft_bytes = 5,
			  .hard_bytes = 6,
			  .hard_packets = UINT64_MAX - 1,
			  .soft_seconds = 9,
			  .hard_seconds = 10,
			  .hard_use_seconds = 11 } },
		{ .source = { 6, { 0x20, 1 } }, .destination = { 6, { 0x20, 1, 1 } } },
	};
	struct gw_sa_spec spec = make_sa(GW_DIRECTION_OUT), read;
	struct gw_error err = {};

	spec.encryption = changes[_i].integrity ? GW_ENCRYPTION_UNSET : GW_ENCRYPTION_AES_GCM_16;
	spec.integrity = changes[_i].integrity;
	fill_keys(&spec, 0);
	spec.mode = changes[_i].mode;
	spec.esn = changes[_i].esn;
	spec.sequence = changes[_i].sequence;
	spec.encapsulation = changes[_i].encapsulation;
	spec.lifetime = changes[_i].lifetime;
	if (changes[_i].protocol)
		spec.protocol = changes[_i].protocol;
	if (changes[_i].source.family) {
		spec.source = changes[_i].source;
		spec.destination = changes[_i].destination;
	}
	ck_assert_msg(round_trip(&spec, &read, &err) == 0, "%s", err.text);
	assert_same(&spec, &read);
	gw_sa_spec_wipe(&read);
}
END_TEST

// Which numbers below the highest were received, in both forms of the window.
START_TEST(windows_come_back)
{
	static const struct {
		uint32_t window;
		uint64_t top;
		bool esn;
	} rows[] = { { 32, 1, false }, { 32, 31, false }, { 32, 1000, false }, { 64, 5, false },
		{ 64, 64, true }, { 128, 0x1ffffffffff, true }, { 4096, 100000, true },
		{ 32768, 40000, true } };
	struct gw_sa_spec spec = make_sa(GW_DIRECTION_IN), read;
	struct gw_error err = {};

	spec.encryption = GW_ENCRYPTION_AES_GCM_16;
	fill_keys(&spec, 0);
	spec.esn = rows[_i].esn;
	spec.replay_window = rows[_i].window;
	spec.sequence = rows[_i].top;
	spec.replay_bitmap_bytes = rows[_i].window / 8;
	spec.replay_bitmap = calloc(1, spec.replay_bitmap_bytes);
	spec.replay_bitmap[0] = 1;
	for (uint32_t back = 1; back < rows[_i].window && back < rows[_i].top; back++)
		if (back % 3 == 0 || back % 7 == 0)
			spec.replay_bitmap[back / 8] |= (uint8_t)(1u << back % 8);
	ck_assert_msg(round_trip(&spec, &read, &err) == 0, "%s", err.text);
	assert_same(&spec, &read);
	ck_assert_uint_eq(read.replay_window, rows[_i].window);
	ck_assert_uint_eq(read.replay_bitmap_bytes, spec.replay_bitmap_bytes);
	ck_assert_mem_eq(read.replay_bitmap, spec.replay_bitmap, spec.replay_bitmap_bytes);
	free(spec.replay_bitmap);
	gw_sa_spec_wipe(&read);
}
END_TEST

// An attribute of a request, as wrong as can be: an algorithm, or 32-bit words.
struct wrong {
	uint16_t type;
	uint16_t bytes;
	int code;
	const char *name;
	uint32_t bits;
	uint32_t words[8];
};

START_TEST(wrong_attributes_are_refused)
{
	static const struct wrong rows[] = {
		{ XFRMA_ALG_CRYPT, 67, EINVAL, "cbc(aes)", 0, {} },
		{ XFRMA_ALG_CRYPT, 68 + 15, EINVAL, "cbc(aes)", 128, {} },
		{ XFRMA_ALG_CRYPT, 68 + 16, EINVAL, "cbc(aes)", 127, {} },
		{ XFRMA_ALG_CRYPT, 68 + 16, ENOSYS, "cbc(rot13)", 128, {} },
		{ XFRMA_ALG_CRYPT, 68 + 60, EINVAL, "cbc(aes)", 480, {} },
		{ XFRMA_ALG_AUTH, 68 + 16, ENOSYS, "hmac(md5)", 128, {} },
		// 96 bits of SHA-256 are the kernel's standard, and nobody's.
		{ XFRMA_ALG_AUTH, 68 + 32, ENOSYS, "hmac(sha256)", 256, {} },
		{ XFRMA_ALG_AEAD, 72 + 20, ENOSYS, "rfc4106(gcm(aes))", 160, {} },
		{ XFRMA_ALG_COMP, 68, EPROTONOSUPPORT, "deflate", 0, {} },
		{ XFRMA_ENCAP, 20, EINVAL, NULL, 0, {} },
		{ XFRMA_ENCAP, 24, EOPNOTSUPP, NULL, 0, { 7 } },
		{ XFRMA_OFFLOAD_DEV, 8, EOPNOTSUPP, NULL, 0, { 0, XFRM_OFFLOAD_PACKET } },
		{ XFRMA_REPLAY_ESN_VAL, 20, EINVAL, NULL, 0, {} },
		{ XFRMA_REPLAY_ESN_VAL, 28, EINVAL, NULL, 0, { 2 } },
		{ XFRMA_REPLAY_ESN_VAL, 28, EINVAL, NULL, 0, { 1, 0, 0, 0, 0, 33 } },
		{ XFRMA_IF_ID, 3, EINVAL, NULL, 0, {} },
	};
	uint8_t data[128] = {};
	struct gw_sa_spec spec = { .direction = GW_DIRECTION_IN };
	struct xfrm_usersa_info info = { .family = AF_INET, .id.proto = IPPROTO_ESP, .mode = 1 };
	struct nl_msg *message = gw_xfrm_event_new(XFRM_MSG_NEWSA, &info, sizeof(info));
	struct gw_xfrm_sa_extra extra;
	struct gw_xfrm_request request;
	struct gw_error err = {};
	int rc;

	memcpy(data, rows[_i].words, sizeof(rows[_i].words));
	if (rows[_i].name) {
		snprintf((char *)data, 64, "%s", rows[_i].name);
		memcpy(data + 64, &rows[_i].bits, sizeof(rows[_i].bits));
	}
	nla_put(message, rows[_i].type, rows[_i].bytes, data);
	rc = gw_xfrm_request_parse(
		nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len, &request, &err);
	if (!rc)
		rc = gw_xfrm_sa_read(&request, &spec, &extra, &err);
	ck_assert_int_eq(rc, -rows[_i].code);
	ck_assert_str_ne(err.text, "");
	gw_sa_spec_wipe(&spec);
	nlmsg_free(message);
}
END_TEST

// Whatever of a message is there, nothing beyond it is looked at (under the sanitizers, which see
// it), and only the whole one is taken.
START_TEST(a_message_that_is_cut_is_refused)
{
	struct xfrm_usersa_info info = { .family = AF_INET };
	struct nl_msg *message = gw_xfrm_event_new(XFRM_MSG_NEWSA, &info, sizeof(info));
	struct gw_xfrm_request request;
	size_t whole;

	nla_put_u32(message, XFRMA_IF_ID, 5);
	whole = nlmsg_hdr(message)->nlmsg_len;
	for (size_t size = 0; size <= whole; size++) {
		void *copy = malloc(size + 1);
		int rc;

		memcpy(copy, nlmsg_hdr(message), size);
		if (size >= sizeof(struct nlmsghdr))
			((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)size;
		rc = gw_xfrm_request_parse(copy, size, &request, NULL);
		if (size < NLMSG_LENGTH(sizeof(info)))
			ck_assert_int_lt(rc, 0);
		else if (size == whole)
			ck_assert_int_eq(rc, 0);
		free(copy);
	}
	nlmsg_free(message);
}
END_TEST

START_TEST(other_messages_are_refused)
{
	static const struct {
		uint16_t type, flags;
		int code;
	} rows[] = { { 0x10 - 1, 0, EINVAL }, { XFRM_MSG_MAX + 1, 0, EINVAL },
		{ 0xffff, 0, EINVAL }, { XFRM_MSG_NEWSADINFO, 0, EINVAL },
		{ XFRM_MSG_MIGRATE, 0, EINVAL }, { XFRM_MSG_GETSA, 0, EINVAL },
		{ XFRM_MSG_GETSA, NLM_F_DUMP, 0 } };
	struct gw_xfrm_request request;
	struct nlmsghdr header = { .nlmsg_len = sizeof(header),
		.nlmsg_type = rows[_i].type,
		.nlmsg_flags = rows[_i].flags };

	ck_assert_int_eq(
		gw_xfrm_request_parse(&header, sizeof(header), &request, NULL), -rows[_i].code);
}
END_TEST

static int read_policy(const struct xfrm_userpolicy_info *info,
	const struct xfrm_user_tmpl *templates, int count, struct gw_policy_spec *spec)
{
	struct nl_msg *message = gw_xfrm_event_new(XFRM_MSG_NEWPOLICY, info, sizeof(*info));
	struct gw_xfrm_request request;
	struct gw_xfrm_policy policy;
	int rc;

	if (count)
		nla_put(message, XFRMA_TMPL, count * (int)sizeof(*templates), templates);
	parse(message, &request);
	rc = gw_xfrm_policy_read(&request, &policy, spec, NULL);
	nlmsg_free(message);
	return rc;
}

START_TEST(policies)
{
	static const struct xfrm_user_tmpl esp = { .id.proto = IPPROTO_ESP, .reqid = 9, .mode = 1 };
	static const struct xfrm_user_tmpl compression = { .id.proto = 108, .optional = 1 };
	const struct {
		struct xfrm_userpolicy_info info;
		struct xfrm_user_tmpl templates[2];
		int count;
		int rc;
		enum gw_direction direction;
		enum gw_action action;
		uint32_t reqid;
	} rows[] = {
		{ { .dir = XFRM_POLICY_OUT }, {}, 0, 0, GW_DIRECTION_OUT, GW_ACTION_BYPASS, 0 },
		{ { .dir = XFRM_POLICY_FWD }, { esp }, 1, 0, GW_DIRECTION_IN, GW_ACTION_PROTECT,
			9 },
		{ { .dir = XFRM_POLICY_IN }, { compression, esp }, 2, 0, GW_DIRECTION_IN,
			GW_ACTION_PROTECT, 9 },
		{ { .dir = XFRM_POLICY_IN, .action = XFRM_POLICY_BLOCK }, { esp }, 1, 0,
			GW_DIRECTION_IN, GW_ACTION_DISCARD, 0 },
		{ { .dir = XFRM_POLICY_OUT }, { esp, esp }, 2, -EOPNOTSUPP, 0, 0, 0 },
		{ { .dir = 3 }, {}, 0, -EINVAL, 0, 0, 0 },
		{ { .action = 2 }, {}, 0, -EINVAL, 0, 0, 0 },
		{ { .sel.ifindex = 2 }, {}, 0, -EOPNOTSUPP, 0, 0, 0 },
		{ { .sel.prefixlen_s = 33 }, {}, 0, -EINVAL, 0, 0, 0 },
		{ { .sel.dport_mask = 0x00ff }, {}, 0, 0, GW_DIRECTION_IN, GW_ACTION_BYPASS, 0 },
		{ { .sel.dport_mask = 0xff00 }, {}, 0, -EOPNOTSUPP, 0, 0, 0 },
	};
	struct xfrm_userpolicy_info info = rows[_i].info;
	struct gw_policy_spec spec;

	info.sel.family = AF_INET;
	ck_assert_int_eq(
		read_policy(&info, rows[_i].templates, rows[_i].count, &spec), rows[_i].rc);
	if (rows[_i].rc)
		return;
	ck_assert_int_eq(spec.direction, rows[_i].direction);
	ck_assert_int_eq(spec.action, rows[_i].action);
	ck_assert_uint_eq(spec.reqid, rows[_i].reqid);
}
END_TEST

START_TEST(selectors_come_back)
{
	static const struct xfrm_selector rows[] = {
		{ .family = AF_INET },
		{ .family = AF_INET6, .prefixlen_d = 128, .prefixlen_s = 1 },
		{ .family = AF_INET,
			.prefixlen_d = 32,
			.prefixlen_s = 24,
			.proto = 6,
			.sport_mask = 0xffff },
		{ .family = AF_INET, .proto = 17, .dport_mask = 0x00f0 },
	};
	struct xfrm_selector wire = rows[_i], back;
	struct gw_selector selector;

	memset(&wire.saddr, 0xff, sizeof(wire.saddr));
	memset(&wire.daddr, 0xaa, sizeof(wire.daddr));
	wire.sport = wire.sport_mask & htons(0x1234);
	wire.dport = wire.dport_mask & htons(0x5678);
	ck_assert_int_eq(gw_xfrm_selector_read(&wire, 0, &selector, NULL), 0);
	gw_xfrm_selector_write(&selector, &back);
	ck_assert_uint_eq(back.family, wire.family);
	ck_assert_uint_eq(back.prefixlen_d, wire.prefixlen_d);
	ck_assert_uint_eq(back.prefixlen_s, wire.prefixlen_s);
	ck_assert_uint_eq(back.proto, wire.proto);
	ck_assert_uint_eq(back.sport, wire.sport);
	ck_assert_uint_eq(back.sport_mask, wire.sport_mask);
	ck_assert_uint_eq(back.dport, wire.dport);
	ck_assert_uint_eq(back.dport_mask, wire.dport_mask);
}
END_TEST

// What an IKE daemon asks an SPI for, as the kernel shows it until the SA comes.
START_TEST(larvals)
{
	struct xfrm_userspi_info wanted = { .info = { .family = AF_INET,
						    .id.proto = IPPROTO_ESP,
						    .id.daddr.a4 = htonl(0xc0000201),
						    .saddr.a4 = htonl(0xc0000202),
						    .reqid = 7,
						    .seq = 5,
						    .flags = 1,
						    .replay_window = 32,
						    .mode = XFRM_MODE_TUNNEL } };
	const struct xfrm_mark mark = { 5, 0xff };
	struct nl_msg *message = gw_xfrm_event_new(XFRM_MSG_ALLOCSPI, &wanted, sizeof(wanted));
	struct gw_xfrm_larval larval;
	struct gw_xfrm_request request;

	nla_put(message, XFRMA_MARK, sizeof(mark), &mark);
	nla_put_u32(message, XFRMA_IF_ID, 42);
	parse(message, &request);
	gw_xfrm_larval_of_spi(&request, &larval);
	nlmsg_free(message);
	ck_assert_uint_eq(larval.info.family, AF_INET);
	ck_assert_uint_eq(larval.info.id.daddr.a4, wanted.info.id.daddr.a4);
	ck_assert_uint_eq(larval.info.id.proto, IPPROTO_ESP);
	ck_assert_uint_eq(larval.info.saddr.a4, wanted.info.saddr.a4);
	ck_assert_uint_eq(larval.info.reqid, 7);
	ck_assert_uint_eq(larval.info.mode, XFRM_MODE_TUNNEL);
	ck_assert_uint_eq(larval.info.seq | larval.info.flags | larval.info.replay_window, 0);
	ck_assert_uint_eq(larval.info.sel.daddr.a4, wanted.info.id.daddr.a4);
	ck_assert_uint_eq(larval.info.sel.saddr.a4, wanted.info.saddr.a4);
	ck_assert_uint_eq(larval.info.sel.prefixlen_d, 32);
	ck_assert_uint_eq(larval.info.sel.prefixlen_s, 32);
	message = gw_xfrm_event_new(XFRM_MSG_NEWSA, &larval.info, sizeof(larval.info));
	ck_assert_int_eq(gw_xfrm_larval_attributes_write(message, &larval), 0);
	parse(message, &request);
	ck_assert_mem_eq(gw_xfrm_value(&request, XFRMA_MARK), &mark, sizeof(mark));
	ck_assert_uint_eq(gw_xfrm_u32(&request, XFRMA_IF_ID, 0), 42);
	ck_assert_uint_eq(gw_xfrm_value_bytes(&request, XFRMA_REPLAY_VAL), 12);
	ck_assert_ptr_null(request.attributes[XFRMA_LASTUSED]);
	nlmsg_free(message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xfrm_codec");
	TCase *tcase = tcase_create("codec");

	tcase_add_test(tcase, every_algorithm_comes_back);
	tcase_add_loop_test(tcase, what_an_sa_has_comes_back, 0, 7);
	tcase_add_loop_test(tcase, windows_come_back, 0, 8);
	tcase_add_loop_test(tcase, wrong_attributes_are_refused, 0, 16);
	tcase_add_test(tcase, a_message_that_is_cut_is_refused);
	tcase_add_loop_test(tcase, other_messages_are_refused, 0, 7);
	tcase_add_loop_test(tcase, policies, 0, 11);
	tcase_add_loop_test(tcase, selectors_come_back, 0, 4);
	tcase_add_test(tcase, larvals);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, false);
}
