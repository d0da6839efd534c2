// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Every payload length up to 2,048 bytes, the packet once right behind an unreadable page and once
// right before one, under every plan: no code path touches a byte that is not the packet's.

#include <sys/mman.h>
#include <unistd.h>

#include "base/hex.h"
#include "crypto_kit.h"
#include "run.h"

// IPsec-MB is not built with sanitizers: its guards are the pages, in the ordinary build.
#ifdef __SANITIZE_ADDRESS__
#define LONGEST 512u
#else
#define LONGEST 2048u
#endif
#define ROOM_BYTES 8192u // a multiple of the page size, and enough for the longest packet
#define FILLER     0xa5
#define BESIDE     64u // bytes that are looked at beside a packet
#define HIGH_HALF  ((uint64_t)5 << 32)

// A room between two unreadable pages.
struct room {
	uint8_t *mapping;
	size_t page;
	uint8_t *first;
	uint8_t *end;
};

static struct room room_new(void)
{
	struct room room = { .page = sysconf(_SC_PAGESIZE) };

	room.mapping = mmap(NULL, ROOM_BYTES + 2 * room.page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(room.mapping, MAP_FAILED);
	room.first = room.mapping + room.page;
	room.end = room.first + ROOM_BYTES;
	ck_assert_int_eq(mprotect(room.mapping, room.page, PROT_NONE), 0);
	ck_assert_int_eq(mprotect(room.end, room.page, PROT_NONE), 0);
	return room;
}

static void room_free(struct room *room)
{
	munmap(room->mapping, ROOM_BYTES + 2 * room->page);
}

static uint64_t sequence_of(const struct gw_crypto_key *key, uint32_t payload_bytes)
{
	return (key->esn ? HIGH_HALF : 0) | payload_bytes;
}

// Sealed as tests/vectors/generate.py does: an AEAD's IV is the number, CBC's a pattern.
static void seal(struct gw_crypto_engine *engine, struct gw_crypto_op *op)
{
	kit_packet(op->esp, op->key, op->sequence, op->payload_bytes);
	if (op->key->cipher != IMB_CIPHER_CBC) {
		gw_crypto_seal(engine, op, 1);
	} else {
		kit_pattern(op->esp + 8, 16, 17, op->payload_bytes);
		gw_crypto_seal_keeping_iv(engine, op, 1);
	}
	ck_assert_int_eq(op->status, GW_CRYPTO_OK);
}

static void round_trip(struct gw_crypto_engine *engine, struct gw_crypto_op *op, bool at_end)
{
	unsigned int bytes = kit_packet_bytes(op->key, op->payload_bytes);
	unsigned int payload_at = 8 + op->key->iv_bytes;
	uint8_t clear[ROOM_BYTES], header[64];
	uint8_t untouched[BESIDE];
	const uint8_t *beside;

	kit_pattern(clear, op->payload_bytes, 13, op->payload_bytes);
	seal(engine, op);
	memcpy(header, op->esp, payload_at);
	ck_assert(op->key->cipher == IMB_CIPHER_NULL || op->payload_bytes < 16 ||
		  memcmp(op->esp + payload_at, clear, op->payload_bytes) != 0);
	gw_crypto_open(engine, op, 1);
	ck_assert_msg(op->status == GW_CRYPTO_OK, "%u bytes do not open", op->payload_bytes);
	ck_assert_mem_eq(op->esp + payload_at, clear, op->payload_bytes);
	ck_assert_mem_eq(op->esp, header, payload_at);
	// The packet's open side: the other one is an unreadable page.
	beside = at_end ? op->esp - BESIDE : op->esp + bytes;
	memset(untouched, FILLER, sizeof(untouched));
	ck_assert_mem_eq(beside, untouched, sizeof(untouched));
}

static struct gw_crypto_op place(const struct room *room, const struct gw_crypto_key *key,
	uint32_t payload_bytes, bool at_end)
{
	unsigned int bytes = kit_packet_bytes(key, payload_bytes);
	uint8_t *esp = at_end ? room->end - bytes : room->first;

	memset(at_end ? esp - BESIDE : esp, FILLER, bytes + BESIDE);
	return (struct gw_crypto_op){
		.key = key,
		.esp = esp,
		.payload_bytes = payload_bytes,
		.sequence = sequence_of(key, payload_bytes),
	};
}

static void all_lengths(struct gw_crypto_engine *engine, const struct gw_crypto_key *key)
{
	struct room room = room_new();

	for (uint32_t bytes = key->align_bytes; bytes <= LONGEST; bytes += key->align_bytes) {
		for (int at_end = 0; at_end <= 1; at_end++) {
			struct gw_crypto_op op = place(&room, key, bytes, at_end);

			round_trip(engine, &op, at_end);
			// A byte less is no length that ESP has.
			op.payload_bytes--;
			gw_crypto_seal(engine, &op, 1);
			ck_assert_int_eq(op.status, GW_CRYPTO_FAILED);
			gw_crypto_open(engine, &op, 1);
			ck_assert_int_eq(op.status, GW_CRYPTO_FAILED);
		}
	}
	room_free(&room);
}

START_TEST(guard_pages)
{
	struct gw_crypto_engine *engine;

	gw_crypto_plan_limit(kit_features[_i]);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	for (unsigned int c = 0; c < RTE_DIM(kit_classes); c++) {
		// Each code path has every class, and each class both kinds of numbers.
		struct gw_crypto_key *key = kit_key(&kit_classes[c], (c + _i) % 2, 0);

		all_lengths(engine, key);
		gw_crypto_key_free(key);
	}
	gw_crypto_engine_free(engine);
}
END_TEST

// Packets that fill the library's parallel lanes, each of another length, between guard pages.
START_TEST(guard_pages_of_a_burst)
{
	struct gw_crypto_engine *engine;
	struct gw_crypto_op ops[40];
	struct room rooms[RTE_DIM(ops)];

	gw_crypto_plan_limit(kit_features[_i]);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	for (unsigned int i = 0; i < RTE_DIM(rooms); i++)
		rooms[i] = room_new();
	for (unsigned int c = 0; c < RTE_DIM(kit_classes); c++) {
		struct gw_crypto_key *key = kit_key(&kit_classes[c], true, 0);

		for (unsigned int start = 0; start < 16; start++) {
			for (unsigned int i = 0; i < RTE_DIM(ops); i++) {
				ops[i] = place(&rooms[i], key,
					(1 + start + 3 * i) * key->align_bytes, i % 2);
				kit_packet(ops[i].esp, key, ops[i].sequence, ops[i].payload_bytes);
			}
			gw_crypto_seal(engine, ops, RTE_DIM(ops));
			for (unsigned int i = 0; i < RTE_DIM(ops); i++)
				ck_assert_int_eq(ops[i].status, GW_CRYPTO_OK);
			gw_crypto_open(engine, ops, RTE_DIM(ops));
			for (unsigned int i = 0; i < RTE_DIM(ops); i++) {
				uint8_t clear[ROOM_BYTES];

				kit_pattern(clear, ops[i].payload_bytes, 13, ops[i].payload_bytes);
				ck_assert_int_eq(ops[i].status, GW_CRYPTO_OK);
				ck_assert_mem_eq(ops[i].esp + 8 + key->iv_bytes, clear,
					ops[i].payload_bytes);
			}
		}
		gw_crypto_key_free(key);
	}
	for (unsigned int i = 0; i < RTE_DIM(rooms); i++)
		room_free(&rooms[i]);
	gw_crypto_engine_free(engine);
}
END_TEST

// One changed byte of each kind in a sealed packet, or another high half of the number.
static void reject_changes(struct gw_crypto_engine *engine, struct gw_crypto_op *op)
{
	const unsigned int iv = op->key->iv_bytes, icv = op->key->icv_bytes;
	const unsigned int bytes = kit_packet_bytes(op->key, op->payload_bytes);
	const unsigned int places[] = { 0, 3, 4, 7, 8, 8 + iv - (iv > 0), 8 + iv,
		8 + iv + op->payload_bytes / 2, 8 + iv + op->payload_bytes - 1, bytes - icv,
		bytes - icv / 2, bytes - 1 };
	uint8_t sealed[ROOM_BYTES];

	seal(engine, op);
	memcpy(sealed, op->esp, bytes);
	for (unsigned int i = 0; i < RTE_DIM(places); i++) {
		memcpy(op->esp, sealed, bytes);
		op->esp[places[i]] ^= 1u << (op->payload_bytes / 4 + i) % 8;
		gw_crypto_open(engine, op, 1);
		ck_assert_msg(op->status == GW_CRYPTO_BAD_ICV, "a change of byte %u of %u passes",
			places[i], bytes);
	}
	memcpy(op->esp, sealed, bytes);
	op->sequence ^= (uint64_t)1 << 32;
	gw_crypto_open(engine, op, 1);
	// The high half counts under ESN, and in an implicit IV.
	ck_assert_int_eq(
		op->status, op->key->esn || gw_encryption_has_implicit_iv(op->key->encryption)
				    ? GW_CRYPTO_BAD_ICV
				    : GW_CRYPTO_OK);
}

// conformance: C1, C2, C5
START_TEST(changes_are_noticed)
{
	const struct kit_class *class = &kit_classes[_i];
	struct room room = room_new();
	struct gw_crypto_engine *engine;

	gw_crypto_plan_limit(UINT64_MAX);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	for (int esn = 0; esn <= 1; esn++) {
		struct gw_crypto_key *key = kit_key(class, esn, 0);

		for (uint32_t bytes = key->align_bytes; bytes <= LONGEST;
			bytes += key->align_bytes) {
			struct gw_crypto_op op = place(&room, key, bytes, true);

			reject_changes(engine, &op);
		}
		gw_crypto_key_free(key);
	}
	gw_crypto_engine_free(engine);
	room_free(&room);
}
END_TEST

static const struct answer {
	struct kit_class class;
	bool esn;
	bool all; // the exclusive or over all lengths up to payload_bytes
	uint32_t payload_bytes;
	const char *icv;
} answers[] = {
#define ICV(encryption, integrity, key, esn, bytes, icv)                                           \
	{ { GW_ENCRYPTION_##encryption, GW_INTEGRITY_##integrity, key }, esn, false, bytes, icv },
#define ALL(encryption, integrity, key, esn, bytes, icv)                                           \
	{ { GW_ENCRYPTION_##encryption, GW_INTEGRITY_##integrity, key }, esn, true, bytes, icv },
#include "../vectors/esp_icv.def"
#undef ICV
#undef ALL
};

static void check_answer(struct gw_crypto_engine *engine, const struct answer *answer)
{
	struct gw_crypto_key *key = kit_key(&answer->class, answer->esn, 0);
	uint32_t bytes = answer->all ? key->align_bytes : answer->payload_bytes;
	uint8_t total[GW_CRYPTO_MAX_ICV_BYTES] = {}, expected[GW_CRYPTO_MAX_ICV_BYTES];
	struct room room = room_new();

	// The other implementation's IV is the sequence number alone.
	key->iv_base = 0;
	for (; bytes <= answer->payload_bytes; bytes += key->align_bytes) {
		struct gw_crypto_op op = place(&room, key, bytes, true);

		seal(engine, &op);
		for (unsigned int i = 0; i < key->icv_bytes; i++)
			total[i] ^= gw_crypto_icv(&op)[i];
	}
	ck_assert_int_eq(gw_hex_decode(answer->icv, expected, sizeof(expected)), key->icv_bytes);
	ck_assert_msg(memcmp(total, expected, key->icv_bytes) == 0,
		"%s, key of %u bytes, esn %d, %u bytes%s: wrong ICV",
		gw_encryptions[answer->class.encryption].name, answer->class.key_bytes, answer->esn,
		answer->payload_bytes, answer->all ? " and all below" : "");
	room_free(&room);
	gw_crypto_key_free(key);
}

START_TEST(another_implementation_agrees)
{
	struct gw_crypto_engine *engine;

	gw_crypto_plan_limit(kit_features[_i]);
	engine = gw_crypto_engine_new();
	ck_assert_ptr_nonnull(engine);
	for (unsigned int i = 0; i < RTE_DIM(answers); i++)
		check_answer(engine, &answers[i]);
	gw_crypto_engine_free(engine);
}
END_TEST

START_TEST(longest_packet)
{
	static uint8_t esp[UINT16_MAX + 1], clear[UINT16_MAX + 1];
	struct gw_crypto_engine *engine = gw_crypto_engine_new();
	struct gw_crypto_key *key = kit_key(&kit_classes[_i], true, 0);
	struct gw_crypto_op op = { .key = key, .esp = esp, .sequence = 7 };

	// The longest that fits an IPv4 packet.
	op.payload_bytes = RTE_ALIGN_FLOOR(
		UINT16_MAX - 20 - 8 - key->iv_bytes - key->icv_bytes, key->align_bytes);
	kit_packet(esp, key, op.sequence, op.payload_bytes);
	memcpy(clear, esp + 8 + key->iv_bytes, op.payload_bytes);
	gw_crypto_seal(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_OK);
	gw_crypto_open(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_OK);
	ck_assert_mem_eq(clear, esp + 8 + key->iv_bytes, op.payload_bytes);

	op.payload_bytes = UINT16_MAX + 1;
	gw_crypto_open(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_FAILED);
	op.payload_bytes = 0;
	gw_crypto_open(engine, &op, 1);
	ck_assert_int_eq(op.status, GW_CRYPTO_FAILED);
	gw_crypto_key_free(key);
	gw_crypto_engine_free(engine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_lengths");
	TCase *tcase = tcase_create("lengths");

	tcase_add_loop_test(tcase, guard_pages, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, guard_pages_of_a_burst, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, changes_are_noticed, 0, RTE_DIM(kit_classes));
	tcase_add_loop_test(tcase, another_implementation_agrees, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, longest_packet, 0, RTE_DIM(kit_classes));
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
