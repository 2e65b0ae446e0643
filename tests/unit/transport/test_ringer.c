/* test_ringer.c - two ringers of one host in one thread, with and without a
 * board between them. */
#include "config.h"

#include "support/unit.h"
#include "transport/ringer.h"

#include <poll.h>
#include <string.h>

static struct hayi_ringer *ringers[2];
static bool with_board;

static void make(void)
{
    struct hayi_dgram_card cards[2];
    struct hayi_board boards[2];
    char name[HAYI_BOARD_NAME];
    for (uint32_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(hayi_ringer_new(i, 2, &ringers[i], &cards[i], NULL),
                        HAY_OK);
    }
    if (with_board) {
        CU_ASSERT_EQUAL(hayi_board_make(&boards[0], 2, name, NULL), HAY_OK);
        CU_ASSERT_EQUAL(hayi_board_join(&boards[1], 2, name, NULL), HAY_OK);
        hayi_board_forget(name);
        hayi_ringer_board(ringers[0], &boards[0], 0);
        hayi_ringer_board(ringers[1], &boards[1], 1);
    }
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            hayi_ringer_local(ringers[i], k, &cards[k], k);
        }
    }
}

static void setup_board(void)
{
    with_board = true;
    make();
}

static void setup_bells(void)
{
    with_board = false;
    make();
}

static void teardown(void)
{
    hayi_ringer_free(ringers[0]);
    hayi_ringer_free(ringers[1]);
}

static bool is_rung(struct hayi_ringer *ringer)
{
    struct pollfd list[4];
    size_t count = hayi_ringer_fds(ringer, list, 4);
    return poll(list, count, 0) > 0;
}

static void sleeper_is_rung(void)
{
    hayi_ringer_announce(ringers[1]);
    CU_ASSERT_FALSE(is_rung(ringers[1]));
    hayi_ringer_ring(ringers[0], 1, 1);
    CU_ASSERT_TRUE(is_rung(ringers[1]));
    hayi_ringer_awake(ringers[1]);
    CU_ASSERT_FALSE(is_rung(ringers[1]));
    CU_ASSERT_EQUAL(hayi_ringer_heard(ringers[1], 0), 1);
}

/* With a board no datagram is spent on one who is awake. */
static void one_who_is_awake_is_told_quietly(void)
{
    hayi_ringer_ring(ringers[0], 1, 7);
    CU_ASSERT_EQUAL(is_rung(ringers[1]), !with_board);
    if (with_board) {
        CU_ASSERT_EQUAL(hayi_ringer_heard(ringers[1], 0), 7);
    }
    hayi_ringer_awake(ringers[1]);
    CU_ASSERT_EQUAL(hayi_ringer_heard(ringers[1], 0), 7);
}

static void many_bells_are_one(void)
{
    for (uint32_t i = 1; i <= 3000; i++) {
        hayi_ringer_announce(ringers[1]);
        hayi_ringer_ring(ringers[0], 1, i);
    }
    for (int i = 0; i < 20 && is_rung(ringers[1]); i++) {
        hayi_ringer_awake(ringers[1]);
    }
    CU_ASSERT_FALSE(is_rung(ringers[1]));
    CU_ASSERT(hayi_ringer_heard(ringers[1], 0) > 0);
}

static void numbers_wrap(void)
{
    uint32_t list[] = {UINT32_MAX / 3, UINT32_MAX / 3 * 2, UINT32_MAX, 5};
    for (int i = 0; i < 4; i++) {
        hayi_ringer_announce(ringers[1]);
        hayi_ringer_ring(ringers[0], 1, list[i]);
        hayi_ringer_awake(ringers[1]);
        CU_ASSERT_EQUAL(hayi_ringer_heard(ringers[1], 0), list[i]);
    }
}

/* The bell of a ringer that was slow comes when the sleeper has woken. */
static void late_bell_is_forgotten(void)
{
    hayi_ringer_announce(ringers[1]);
    hayi_ringer_awake(ringers[1]);
    hayi_ringer_announce(ringers[1]);
    hayi_ringer_ring(ringers[0], 1, 1);
    hayi_ringer_announce(ringers[1]);
    hayi_ringer_awake(ringers[1]);
    CU_ASSERT_FALSE(is_rung(ringers[1]));
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(sleeper_is_rung),
    TEST(one_who_is_awake_is_told_quietly),
    TEST(many_bells_are_one),
    TEST(numbers_wrap),
    TEST(late_bell_is_forgotten),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/ringer_board", NULL, NULL, setup_board, teardown, tests},
    {"transport/ringer_bells", NULL, NULL, setup_bells, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
