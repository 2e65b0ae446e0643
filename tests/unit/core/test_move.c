/* test_move.c - fetches: senders, lines, ends; what the client wants. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

#include <stdio.h>

#define WIDE 16

/* Node i has worker i with 2 cores. */
static void some_nodes(uint32_t count)
{
    bed_config.worker_max = WIDE;
    bed_config.node_max = WIDE;
    bed_open();
    for (uint32_t i = 0; i < count; i++) {
        bed_join_on(i, 2, i);
    }
}

static void two_tasks_share_one_fetch(void)
{
    some_nodes(2);
    hayi_object small = bed_put(0, MIB);
    hayi_object large = bed_put(1, 8 * MIB);
    bed_use2(1, small, large);
    bed_use2(2, small, large);
    CU_ASSERT_EQUAL(bed_count("fetch"), 1);
    bed_forget();
    bed_moved(1, HAY_OK);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 prompt; "
               "hand_out w1 p2 attempt 1 priority 0 cores 1 prompt");
}

/* One node has an object, 15 others want it; all fetches of a round take the
 * same time.  The number of rounds; *most: that one node sent. */
static uint32_t spread(uint32_t *most)
{
    uint32_t sent[WIDE] = {0};
    uint32_t next = 1;
    uint32_t rounds = 0;
    hayi_object object = bed_put(0, 8 * MIB);
    for (uint32_t n = 1; n < WIDE; n++) {
        bed_want(object, n, false, n);
    }
    while (rounds < 100 && bed_stats().fetches > 0) {
        uint64_t flying = bed_stats().fetches;
        for (uint32_t i = 0; i < flying; i++) {
            bed_moved(next++, HAY_OK);
        }
        rounds++;
    }
    CU_ASSERT_EQUAL(next, WIDE);
    CU_ASSERT_EQUAL(bed_count("wanted"), WIDE - 1);
    for (uint32_t n = 0; n < WIDE; n++) {
        char word[20];
        (void)snprintf(word, sizeof(word), " w%u to ", (unsigned)n);
        sent[n] = (uint32_t)bed_count(word);
        *most = sent[n] > *most ? sent[n] : *most;
    }
    return rounds;
}

static void many_that_want_one_object_form_a_tree(void)
{
    uint32_t most = 0;
    some_nodes(WIDE);
    uint32_t rounds = spread(&most);
    /* Each holder sends two a round: 1, 3, 9, 27. */
    CU_ASSERT_TRUE(rounds <= 4);
    CU_ASSERT_TRUE(most <= 6);
}

static void a_node_receives_few_at_once(void)
{
    some_nodes(8);
    for (uint32_t n = 1; n < 8; n++) {
        bed_want(bed_put(n, MIB), 0, false, n);
    }
    CU_ASSERT_EQUAL(bed_stats().fetches, 4);
    bed_moved(1, HAY_OK);
    CU_ASSERT_EQUAL(bed_stats().fetches, 4);
    for (uint32_t i = 2; i <= 7; i++) {
        bed_moved(i, HAY_OK);
    }
    CU_ASSERT_EQUAL(bed_stats().fetches, 0);
    CU_ASSERT_EQUAL(bed_count("wanted"), 7);
}

static void what_is_released_in_flight_is_dropped_after_it(void)
{
    some_nodes(2);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 5);
    BED_EXPECT("fetch 1 o1 1048576 bytes at 1 w0 to w1");
    bed_release(object);
    BED_EXPECT("wanted 5 HAY_EFARM report 0");
    bed_moved(1, HAY_OK);
    CU_ASSERT_EQUAL(bed_count("drop"), 2);
    CU_ASSERT_EQUAL(bed_stats().objects, 0);
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, object, 0), 0);
}

static void a_sender_without_it_is_passed_over(void)
{
    some_nodes(3);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 5);
    bed_moved(1, HAY_OK);
    bed_want(object, 2, false, 6);
    bed_forget();
    bed_moved(2, HAY_EFARM);
    CU_ASSERT_EQUAL(bed_count("fetch 3"), 1);
    CU_ASSERT_EQUAL((hayi_sched_place(bed.sched, object, 0) != 0)
                        + (hayi_sched_place(bed.sched, object, 1) != 0),
                    1);
    bed_forget();
    bed_moved(3, HAY_EFARM);
    BED_EXPECT("wanted 6 HAY_EFARM report 0");
}

/* Which may be dead already: what lies there lies there for all of them. */
static void each_worker_of_a_node_is_asked_for_what_it_has(void)
{
    bed_config.worker_max = WIDE;
    bed_config.node_max = WIDE;
    bed_open();
    for (uint32_t i = 0; i < 3; i++) {
        bed_join_on(i, 2, 1);
    }
    bed_join_on(3, 2, 2);
    hayi_object object = bed_put(1, MIB);
    bed_want(object, 2, false, 5);
    for (uint32_t i = 1; i <= 3; i++) {
        char words[40];
        (void)snprintf(words, sizeof words, "fetch %u", i);
        CU_ASSERT_EQUAL(bed_count(words), 1);
        CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 1), 0);
        CU_ASSERT_EQUAL(bed_count("wanted"), 0);
        bed_moved(i, HAY_EFARM);
    }
    BED_EXPECT("fetch 1 o1 1048576 bytes at 1 w0 to w3; "
               "fetch 2 o1 1048576 bytes at 1 w1 to w3; "
               "fetch 3 o1 1048576 bytes at 1 w2 to w3; "
               "wanted 5 HAY_EFARM report 0");
}

static void worker_that_lives_sends_what_a_dead_one_could_not(void)
{
    bed_config.worker_max = WIDE;
    bed_config.node_max = WIDE;
    bed_open();
    bed_join_on(0, 2, 1);
    bed_join_on(1, 2, 1);
    bed_join_on(2, 2, 2);
    hayi_object object = bed_put(1, MIB);
    bed_want(object, 2, false, 5);
    bed_moved(1, HAY_EFARM);
    bed_forget();
    bed_moved(2, HAY_OK);
    CU_ASSERT_EQUAL(bed_count("wanted 5 HAY_OK"), 1);
    CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 1), 0);
}

static void no_room_sends_the_task_elsewhere_once(void)
{
    some_nodes(3);
    hayi_object a = bed_put(0, MIB);
    hayi_object b = bed_put(1, 8 * MIB);
    bed_use2(1, a, b);
    CU_ASSERT_EQUAL(bed_count("to w1"), 1);
    bed_forget();
    bed_moved(1, HAY_EIO);
    CU_ASSERT_EQUAL(bed_count("to w0"), 1);
    bed_forget();
    bed_moved(2, HAY_EIO);
    BED_EXPECT("tell p1 failed HAY_EFARM culprit 0 attempt 0 w0 report 502");
}

static void no_room_answers_the_want(void)
{
    some_nodes(2);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, true, 9);
    bed_forget();
    bed_moved(1, HAY_EIO);
    BED_EXPECT("wanted 9 HAY_EIO report 501");
    CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 0), 0);
}

/* The sender is not to blame: it has the object still. */
static void a_receiver_without_memory_has_no_room(void)
{
    some_nodes(3);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 9);
    bed_forget();
    bed_moved(1, HAY_ENOMEM);
    BED_EXPECT("wanted 9 HAY_EIO report 501");
    CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 0), 0);
    bed_want(object, 2, false, 10);
    BED_EXPECT("fetch 2 o1 1048576 bytes at 1 w0 to w2");
}

static void a_moved_object_is_on_one_node_after_it(void)
{
    some_nodes(3);
    hayi_object object = bed_put(1, MIB);
    bed_want(object, 1, false, 1);
    BED_EXPECT("wanted 1 HAY_OK report 0");
    bed_want(object, 2, true, 2);
    BED_EXPECT("fetch 1 o1 1048576 bytes at 1 w1 to w2");
    bed_moved(1, HAY_OK);
    BED_EXPECT("wanted 2 HAY_OK report 0; drop 1 node 1 w1");
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, object, 1), 0);
    CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 2), 0);
}

static void the_manager_moves_where_no_worker_lives(void)
{
    bed_open();
    bed_join_on(1, 1, 1);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 1);
    BED_EXPECT("fetch 1 o1 1048576 bytes at 1 manager to w1");
    bed_moved(1, HAY_OK);
    bed_release(object);
    CU_ASSERT_EQUAL(bed_count("node 0 manager"), 1);
    CU_ASSERT_EQUAL(bed_count("node 1 w1"), 1);
}

static void nobody_wants_on_a_node_that_is_not_there(void)
{
    some_nodes(2);
    hayi_object object = bed_put(1, MIB);
    bed_want(object, 9, false, 1);
    BED_EXPECT("wanted 1 HAY_EFARM report 0");
    bed_want(77, 0, false, 2);
    BED_EXPECT("wanted 2 HAY_EFARM report 0");
}

static void a_lost_sender_leaves_its_receiver_to_tell(void)
{
    some_nodes(4);
    hayi_object object = bed_put(1, MIB);
    bed_want(object, 0, false, 1);
    bed_moved(1, HAY_OK);
    bed_want(object, 2, false, 2);
    bed_forget();
    bed_want(object, 3, false, 3);
    BED_EXPECT("fetch 3 o1 1048576 bytes at 1 w1 to w3");
    bed_lost(1);
    BED_EXPECT("worker_lost w1; fetch 4 o1 1048576 bytes at 2 w0 to w3");
    /* It had come before: the second one is not needed. */
    bed_moved(3, HAY_OK);
    BED_EXPECT("wanted 3 HAY_OK report 0");
    bed_moved(4, HAY_OK);
    BED_EXPECT("drop 4 node 3 w3");
    bed_moved(2, HAY_OK);
    BED_EXPECT("wanted 2 HAY_OK report 0");
}

static void a_lost_receiver_ends_its_fetch(void)
{
    some_nodes(3);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 1);
    bed_forget();
    bed_lost(1);
    BED_EXPECT("worker_lost w1; wanted 1 HAY_EFARM report 0");
    CU_ASSERT_EQUAL(bed_stats().fetches, 0);
    uint64_t stale = bed_stats().stale;
    bed_moved(1, HAY_OK);
    CU_ASSERT_EQUAL(bed_stats().stale, stale + 1);
}

static void the_rate_is_learned(void)
{
    some_nodes(2);
    hayi_object object = bed_put(0, 64 * MIB);
    /* 1 ms each: 64 times as fast as was assumed. */
    for (uint32_t i = 1; i <= 40; i++) {
        bed_want(object, i % 2, true, i);
        bed_moved_in(i, 1000000);
    }
    bed_forget();
    struct hayi_event e = bed_task_event(60);
    (void)bed_submit(&e);
    e = bed_task_event(61);
    e.u.task.needs.worker = hayi_sched_place(bed.sched, object, 0) != 0 ? 1 : 2;
    e.u.task.needs.cores = 2;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    /* By the first guess the move would take 67 ms. */
    for (uint64_t id = 1; id <= 8; id++) {
        bed_use2(id, object, 0);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("fetch 41"), 1);
}

static CU_TestInfo tests[] = {
    {"two_tasks_share_one_fetch", two_tasks_share_one_fetch},
    {"many_that_want_one_object_form_a_tree",
     many_that_want_one_object_form_a_tree},
    {"a_node_receives_few_at_once", a_node_receives_few_at_once},
    {"what_is_released_in_flight_is_dropped_after_it",
     what_is_released_in_flight_is_dropped_after_it},
    {"a_sender_without_it_is_passed_over", a_sender_without_it_is_passed_over},
    {"each_worker_of_a_node_is_asked_for_what_it_has",
     each_worker_of_a_node_is_asked_for_what_it_has},
    {"worker_that_lives_sends_what_a_dead_one_could_not",
     worker_that_lives_sends_what_a_dead_one_could_not},
    {"no_room_sends_the_task_elsewhere_once",
     no_room_sends_the_task_elsewhere_once},
    {"no_room_answers_the_want", no_room_answers_the_want},
    {"a_receiver_without_memory_has_no_room",
     a_receiver_without_memory_has_no_room},
    {"a_moved_object_is_on_one_node_after_it",
     a_moved_object_is_on_one_node_after_it},
    {"the_manager_moves_where_no_worker_lives",
     the_manager_moves_where_no_worker_lives},
    {"nobody_wants_on_a_node_that_is_not_there",
     nobody_wants_on_a_node_that_is_not_there},
    {"a_lost_sender_leaves_its_receiver_to_tell",
     a_lost_sender_leaves_its_receiver_to_tell},
    {"a_lost_receiver_ends_its_fetch", a_lost_receiver_ends_its_fetch},
    {"the_rate_is_learned", the_rate_is_learned},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/move", NULL, NULL, bed_data_setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
