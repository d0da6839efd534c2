// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A worker tells of an SA while the control core gives it another destination. Whatever instruction
// of one the other comes between: either the control core finds the SA by what the worker told, or
// the worker will tell once more. conformance: B6

#include "interleave.h"

#include <rte_ring.h>

#include "ipsec_kit.h"
#include "graph/expiry.h"
#include "run.h"

#define STRIDE 3

struct scene {
	struct gw_worker *worker;
	struct rte_rcu_qsbr *qsbr;
	struct gw_sa *sa;
	struct gw_sa_spec moved;
};

static void tell(void *context)
{
	struct scene *scene = context;

	gw_expiry_raise(scene->worker, scene->sa, GW_SA_EVENT_SOFT, GW_EXPIRY_BYTES);
}

static void move(void *context)
{
	struct scene *scene = context;

	gw_sa_move(scene->sa, &scene->moved, scene->qsbr);
}

static struct scene scene_new(void)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, 1000, 1);
	struct scene scene = { .worker = rte_zmalloc("worker", sizeof(struct gw_worker), 64) };

	scene.qsbr = kit_qsbr_new();
	scene.worker->events = rte_ring_create_elem("events", sizeof(struct gw_event), 16,
		SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	ck_assert_ptr_nonnull(scene.worker->events);
	scene.sa = gw_sa_new(&spec, 1, NULL);
	ck_assert_ptr_nonnull(scene.sa);
	return scene;
}

static void scene_free(struct scene *scene)
{
	gw_sa_free(scene->sa);
	rte_ring_free(scene->worker->events);
	rte_free(scene->qsbr);
	rte_free(scene->worker);
}

// Whether the control core is told of the SA by the name that it has now, or will be.
static bool is_told(const struct scene *scene)
{
	struct gw_event event;
	bool found = false;

	while (rte_ring_sc_dequeue_elem(scene->worker->events, &event, sizeof(event)) == 0)
		found |= gw_addr_equal(&event.destination, &scene->sa->spec.destination);
	return found || !(atomic_load(&scene->sa->events) & GW_SA_EVENT_SOFT);
}

static void meet(void (*outer)(void *), void (*inner)(void *))
{
	bool met = true;

	for (unsigned int n = 1; met; n += STRIDE) {
		struct scene scene = scene_new();

		gw_sa_spec_copy(&scene.moved, &scene.sa->spec);
		scene.moved.destination = kit_addr4(77);
		met = interleave(n, outer, inner, &scene);
		if (met && !is_told(&scene))
			ck_abort_msg("nobody hears of the SA: instruction %u", n);
		scene_free(&scene);
	}
}

START_TEST(it_moves_while_a_worker_tells)
{
	meet(tell, move);
}
END_TEST

START_TEST(a_worker_tells_while_it_moves)
{
	meet(move, tell);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model_sa_move");
	TCase *tcase = tcase_create("move");

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, it_moves_while_a_worker_tells);
	tcase_add_test(tcase, a_worker_tells_while_it_moves);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
