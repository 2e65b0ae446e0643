/* test_mover_inproc.c - two movers in one process, under the contract. */
#include "config.h"

#include "base/clock.h"
#include "contract/mover_contract.h"
#include "data/mover.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static struct hayi_contract contract;

static void setup(void)
{
    contract = (struct hayi_contract){.end_count = 2};
    CU_ASSERT_EQUAL(
        hayi_transport_inproc_new(&contract.ends[0], &contract.ends[1]),
        HAY_OK);
}

static void close_ends(void)
{
    for (uint32_t i = 0; i < contract.end_count; i++) {
        contract.ends[i]->ops->close(contract.ends[i], true);
    }
    contract.end_count = 0;
}

static void objects_of_all_sizes_come_whole(void)
{
    CU_ASSERT_EQUAL(hayi_contract_move_sizes(&contract), 0);
}

static void checksums_agree(void)
{
    CU_ASSERT_EQUAL(hayi_contract_move_checked(&contract), 0);
}

static void spilled_objects_come_whole(void)
{
    CU_ASSERT_EQUAL(hayi_contract_move_spilled(&contract), 0);
}

static void objects_dropped_meanwhile_come_whole(void)
{
    CU_ASSERT_EQUAL(hayi_contract_move_dropped(&contract), 0);
}

static void refusals_are_told_to_both_ends(void)
{
    CU_ASSERT_EQUAL(hayi_contract_move_refused(&contract), 0);
}

/* ---- a wire that lies --------------------------------------------------- */

static const struct hayi_transport_ops *honest;
static unsigned char wrong[1000];

static hay_status lying_send(struct hayi_transport *t,
                             uint32_t peer,
                             uint32_t tag,
                             const void *data,
                             size_t size,
                             uint64_t cookie)
{
    if (size == sizeof wrong) {
        memcpy(wrong, data, size);
        wrong[700] ^= 4;
        data = wrong;
    }
    return honest->bulk_send(t, peer, tag, data, size, cookie);
}

struct side {
    struct hayi_transport *t;
    struct hayi_store *store;
    struct hayi_bell bell;
    struct hayi_mover *mover;
    struct hayi_moved moved;
    bool told;
};

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    hayi_mover_bulk(context, cookie, status);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)how;
    hayi_mover_peer_down(context, peer);
}

static void open_side(struct side *side, uint32_t number)
{
    const struct hayi_store_config config = {.limit_bytes = 64 << 20};
    *side = (struct side){.t = contract.ends[number]};
    CU_ASSERT_EQUAL_FATAL(hayi_bell_init(&side->bell), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&side->store, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(side->store, &config, NULL),
                          HAY_OK);
    const struct hayi_mover_config mover = {
        side->t, side->store, &side->bell, true};
    CU_ASSERT_EQUAL_FATAL(hayi_mover_new(&mover, &side->mover, NULL), HAY_OK);
}

static void close_side(struct side *side)
{
    hayi_mover_free(side->mover);
    hayi_store_free(side->store);
    hayi_bell_fini(&side->bell);
}

static void turn(struct side *side)
{
    const struct hayi_transport_sink sink = {
        .down = on_down, .context = side->mover, .bulk = on_bulk};
    (void)side->t->ops->poll(side->t, &sink);
    (void)hayi_mover_poll(side->mover);
    side->told = hayi_mover_next(side->mover, &side->moved) || side->told;
}

static hayi_place put(struct side *side, uint64_t size)
{
    hayi_place place = 0;
    void *data = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(side->store, size, &place, &data, NULL), HAY_OK);
    memset(data, 7, size);
    hayi_store_seal(side->store, place, 0);
    return place;
}

static void changed_bytes_are_noticed(void)
{
    struct side from;
    struct side to;
    open_side(&from, 0);
    open_side(&to, 1);
    honest = from.t->ops;
    struct hayi_transport_ops liar = *honest;
    liar.bulk_send = lying_send;
    from.t->ops = &liar;
    hayi_mover_send(from.mover, 5, put(&from, sizeof wrong), sizeof wrong, 1);
    hayi_mover_receive(to.mover, 5, 9, sizeof wrong, 0);
    for (int i = 0; i < 100 && !(from.told && to.told); i++) {
        turn(&from);
        turn(&to);
    }
    CU_ASSERT_TRUE(from.told);
    CU_ASSERT_EQUAL(from.moved.status, HAY_OK);
    CU_ASSERT_TRUE(to.told);
    CU_ASSERT_EQUAL(to.moved.status, HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(to.moved.words, "checksum differs"));
    struct hayi_store_usage usage;
    hayi_store_get_usage(to.store, &usage);
    CU_ASSERT_EQUAL(usage.object_count, 0);
    from.t->ops = honest;
    close_side(&from);
    close_side(&to);
}

static void what_is_under_way_with_a_dead_peer_fails(void)
{
    struct side from;
    open_side(&from, 0);
    hayi_place place = put(&from, 20 << 20);
    hayi_mover_send(from.mover, 1, place, 20 << 20, 1);
    hayi_mover_receive(from.mover, 2, 9, 30 << 20, 1);
    CU_ASSERT_TRUE(hayi_mover_busy(from.mover));
    contract.ends[1]->ops->close(contract.ends[1], false);
    contract.end_count = 1;
    for (uint32_t told = 0; told < 2;) {
        from.told = false;
        turn(&from);
        CU_ASSERT_TRUE_FATAL(from.told); /* at the first look */
        CU_ASSERT_EQUAL(from.moved.status, HAY_EFARM);
        told++;
    }
    CU_ASSERT_FALSE(hayi_mover_busy(from.mover));
    hayi_mover_send(from.mover, 3, place, 20 << 20, 1);
    from.told = false;
    turn(&from);
    CU_ASSERT_TRUE(from.told);
    CU_ASSERT_EQUAL(from.moved.status, HAY_EFARM);
    close_side(&from);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(objects_of_all_sizes_come_whole),
    TEST(checksums_agree),
    TEST(spilled_objects_come_whole),
    TEST(objects_dropped_meanwhile_come_whole),
    TEST(refusals_are_told_to_both_ends),
    TEST(changed_bytes_are_noticed),
    TEST(what_is_under_way_with_a_dead_peer_fails),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/mover", NULL, NULL, setup, close_ends, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
