/* test_demand.c - requests are met, and nothing is over-booked. */
#include "config.h"

#include "bed_ask.h"

#include "core/demand.h"
#include "support/unit.h"

enum { LICENCE = 0, DISK = 1 };

static const char *name_of(void *context, uint32_t resource)
{
    (void)context;
    return resource == LICENCE ? "licences" : NULL;
}

static void setup(void)
{
    bed_setup();
    bed_config.resource_name = name_of;
    bed_open();
}

static uint32_t licences(uint64_t units)
{
    struct hayi_variant v[] = {
        {.cores = 1, .amount_count = 1, .amounts = {{LICENCE, 0, units}}},
        {.cores = 0},
    };
    return bed_request(v);
}

static void amounts_of_a_worker_are_not_over_booked(void)
{
    struct hayi_amount has[] = {{LICENCE, 0, 2 * ONE}, {.units = 0}};
    bed_offer(0, 8, 0, has);
    bed_offer(1, 8, 0, NULL);
    uint32_t one_and_a_half = licences(ONE * 3 / 2);
    uint32_t half = licences(ONE / 2);
    bed_ask(1, one_and_a_half);
    bed_ask(2, one_and_a_half);
    bed_ask(3, half);
    bed_ask(4, half);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1 variant 0 prompt; "
               "hand_out w0 p3 attempt 1 priority 0 cores 1 variant 0 prompt");
    CU_ASSERT_STRING_EQUAL(bed_reason(2),
                           "it is the next of its kind; it needs 1.5 licences, "
                           "no worker has more than 0 free");
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p4 attempt 1 priority 0 cores 1 variant 0 prompt");
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 variant 0 prompt");
}

static void a_pool_is_one_for_all_workers(void)
{
    bed_pool(LICENCE, 3 * ONE);
    bed_offer(0, 8, 0, NULL);
    bed_offer(1, 8, 0, NULL);
    uint32_t two = licences(2 * ONE);
    bed_ask(1, two);
    bed_ask(2, two);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
    CU_ASSERT_STRING_EQUAL(bed_reason(2),
                           "it is the next of its kind; it needs 2 licences, "
                           "the farm has 1 free");
    bed_pool(LICENCE, 4 * ONE);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 2);
    /* A lost worker gives back what it had of it. */
    bed_lost(bed.last[1].worker);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 3);
}

static void gpus_are_dealt_by_index(void)
{
    struct hayi_variant two[] = {{.cores = 1, .gpu_units = 2 * ONE},
                                 {.cores = 0}};
    struct hayi_variant part[] = {{.cores = 1, .gpu_units = ONE / 2},
                                  {.cores = 0}};
    struct hayi_event plain = bed_task_event(3);
    plain.u.task.needs.gpus = 1;
    bed_offer(0, 8, 4, NULL);
    bed_ask(1, bed_request(part));
    bed_ask(2, bed_request(two));
    CU_ASSERT_EQUAL(bed_submit(&plain), HAY_OK);
    bed_ask(4, bed_request(two));
    bed_ask(5, bed_request(part));
    bed_dispatch();
    BED_EXPECT(
        "hand_out w0 p1 attempt 1 priority 0 cores 1 variant 0 gpus 1 prompt; "
        "hand_out w0 p2 attempt 1 priority 0 cores 1 variant 0 gpus 6 prompt; "
        "hand_out w0 p3 attempt 1 priority 0 cores 1 gpus 8 prompt; "
        "hand_out w0 p5 attempt 1 priority 0 cores 1 variant 0 gpus 1 prompt");
    CU_ASSERT_STRING_EQUAL(bed_reason(4),
                           "it is the next of its kind; it needs 2 gpus, no "
                           "worker has more than 0 free");
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    bed_dispatch();
    CU_ASSERT_STRING_EQUAL(bed_reason(4),
                           "it is the next of its kind; it needs 2 gpus, no "
                           "worker has more than 1 free");
}

static void alternatives_go_in_their_order(void)
{
    struct hayi_variant either[] = {
        {.cores = 1, .gpu_units = ONE}, {.cores = 6}, {.cores = 0}};
    uint32_t request = bed_request(either);
    CU_ASSERT_EQUAL(hayi_sched_variant(bed.sched, request, 1)->cores, 6);
    CU_ASSERT_PTR_NULL(hayi_sched_variant(bed.sched, request, 2));
    CU_ASSERT_PTR_NULL(hayi_sched_variant(bed.sched, request + 1, 0));
    bed_offer(0, 8, 0, NULL);
    bed_offer(1, 2, 1, NULL);
    bed_ask(1, request);
    bed_ask(2, request);
    bed_ask(3, request);
    bed_dispatch();
    BED_EXPECT(
        "hand_out w1 p1 attempt 1 priority 0 cores 1 variant 0 gpus 1 prompt; "
        "hand_out w0 p2 attempt 1 priority 0 cores 6 variant 1 prompt");
    CU_ASSERT_STRING_EQUAL(bed_reason(3),
                           "it is the next of its kind; it needs 1 gpus, no "
                           "worker has more than 0 free; or else the 1 workers "
                           "that could run it are full");
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 6 variant 1 prompt");
}

static void a_whole_worker_is_all_its_cores(void)
{
    struct hayi_variant whole[] = {{.cores = HAYI_CORES_ALL}, {.cores = 0}};
    bed_offer(0, 3, 0, NULL);
    bed_offer(1, 5, 0, NULL);
    bed_task(1, NULL);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 prompt");
    bed_ask(2, bed_request(whole));
    bed_ask(3, bed_request(whole));
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 3 variant 0 prompt");
    CU_ASSERT_STRING_EQUAL(bed_reason(3),
                           "it is the next of its kind; it needs a whole "
                           "worker, none of the 2 that could run it is empty");
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w1 p3 attempt 1 priority 0 cores 5 variant 0");
}

static void memory_of_a_variant_is_booked(void)
{
    struct hayi_variant much[] = {{.cores = 1, .memory_bytes = 600 << 20},
                                  {.cores = 1, .memory_bytes = 300 << 20},
                                  {.cores = 0}};
    bed_offer(0, 8, 0, NULL);
    for (uint64_t id = 1; id <= 4; id++) {
        bed_ask(id, bed_request(much));
    }
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1 variant 0 prompt; "
               "hand_out w0 p2 attempt 1 priority 0 cores 1 variant 1 prompt");
}

static void ranges_of_a_map_have_requests_too(void)
{
    struct hayi_amount has[] = {{LICENCE, 0, 2 * ONE}, {.units = 0}};
    struct hayi_event e = bed_map_event(1, 3);
    bed_offer(0, 8, 1, has);
    struct hayi_variant v[] = {
        {.cores = 2,
         .gpu_units = ONE / 4,
         .amount_count = 1,
         .amounts = {{LICENCE, 0, ONE}}},
        {.cores = 0},
    };
    e.u.map.request = bed_request(v);
    e.u.map.range_max = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 2 variant 0 gpus 1 "
               "items 0+1 prompt; "
               "hand_out w0 p1 attempt 1 priority 0 cores 2 variant 0 gpus 1 "
               "items 1+1 prompt");
    bed_range_started(0);
    bed_range_ended(0, 1, 0, 1000);
    bed_forget();
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
}

static void lacks(uint32_t request, const char *words)
{
    char text[400];
    struct hayi_needs needs = {.cores = 1};
    needs.request = request & (HAYI_REQUEST_MAX - 1);
    hayi_judge_lacks(bed.sched, &needs, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, words);
}

static void what_nobody_has_is_told_in_words(void)
{
    struct hayi_amount has[] = {{LICENCE, 0, 2 * ONE}, {.units = 0}};
    struct hayi_variant either[] = {
        {.cores = 1, .gpu_units = 3 * ONE}, {.cores = 16}, {.cores = 0}};
    struct hayi_variant mixed[] = {
        {.cores = 4, .amount_count = 1, .amounts = {{LICENCE, 0, ONE}}},
        {.cores = 0}};
    bed_pool(DISK, ONE);
    bed_offer(0, 2, 0, has);
    bed_offer(1, 8, 2, NULL);
    lacks(licences(ONE * 5 / 2),
          "1 core, 2.5 licences: no worker has more than 2 "
          "licences");
    lacks(bed_request(either),
          "1 core, 3 gpus: no worker has more than 2 gpus; or "
          "else 16 cores: no worker has more than 8 cores");
    lacks(bed_request(mixed),
          "4 cores, 1 licences: no worker has all of that at "
          "once (at most 8 cores, 2 gpus, 1073741824 bytes of memory)");
    struct hayi_variant disk[] = {
        {.cores = 1, .amount_count = 1, .amounts = {{DISK, 0, 2 * ONE}}},
        {.cores = 0},
    };
    lacks(bed_request(disk), "1 core, 2 resource 1: the farm has 1 resource 1");
    bed_ask(1, bed_request(disk));
    BED_EXPECT("tell p1 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report "
               "0");
}

static void unknown_requests_are_refused(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.needs.request = 1;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_EINVAL);
}

static CU_TestInfo tests[] = {
    {"amounts_of_a_worker_are_not_over_booked",
     amounts_of_a_worker_are_not_over_booked},
    {"a_pool_is_one_for_all_workers", a_pool_is_one_for_all_workers},
    {"gpus_are_dealt_by_index", gpus_are_dealt_by_index},
    {"alternatives_go_in_their_order", alternatives_go_in_their_order},
    {"a_whole_worker_is_all_its_cores", a_whole_worker_is_all_its_cores},
    {"memory_of_a_variant_is_booked", memory_of_a_variant_is_booked},
    {"ranges_of_a_map_have_requests_too", ranges_of_a_map_have_requests_too},
    {"what_nobody_has_is_told_in_words", what_nobody_has_is_told_in_words},
    {"unknown_requests_are_refused", unknown_requests_are_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/demand", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
