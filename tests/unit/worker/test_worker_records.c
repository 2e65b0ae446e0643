/* test_worker_records.c - records that no manager sends end a worker, in words.
 */
#include "config.h"

#include "worker_bed.h"

#include "wire/record.h"

#include "support/unit.h"

static void unknown_record_ends_it_in_words(void)
{
    bed_joined(1, NULL);
    bed_say(HAYI_RECORD_JOIN, "12345678", 8);
    bed_expect_end(HAYI_WORKER_BROKEN, "unknown type");
}

static void record_that_is_too_short_ends_it(void)
{
    static const uint16_t types[] = {HAYI_RECORD_RECALL,
                                     HAYI_RECORD_CANCEL,
                                     HAYI_RECORD_PING,
                                     HAYI_RECORD_STOP,
                                     HAYI_RECORD_TASK,
                                     HAYI_RECORD_RANGE};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        bed_joined(1, NULL);
        bed_say(types[i], "1234", 4);
        bed_expect_end(HAYI_WORKER_BROKEN, "short");
        bed_teardown();
        bed_setup();
    }
}

static void task_before_the_welcome_ends_it(void)
{
    bed_open_worker(true, NULL);
    bed_call(1, bed_counts);
    bed_expect_end(HAYI_WORKER_BROKEN, "before the welcome");
}

static void task_that_cannot_run_here_ends_it(void)
{
    struct hayi_task_record head = bed_task_of(1, HAYI_TASK_FAKE);
    bed_joined(2, NULL);
    head.cores = 3;
    bed_hand_out(head, "", 0);
    bed_expect_end(HAYI_WORKER_BROKEN, "cannot run");
}

static void same_attempt_twice_ends_it(void)
{
    bed_joined(1, NULL);
    bed_fake(1, UINT64_C(1000000000000));
    bed_fake(1, UINT64_C(1000000000000));
    bed_expect_end(HAYI_WORKER_BROKEN, "cannot run");
}

static void output_that_is_none_ends_it(void)
{
    struct hayi_welcome head = {.output = 77};
    bed_open_worker(true, NULL);
    bed_say(HAYI_RECORD_WELCOME, &head, sizeof(head));
    bed_expect_end(HAYI_WORKER_BROKEN, "welcome");
}

static CU_TestInfo tests[] = {
    {"unknown_record_ends_it_in_words", unknown_record_ends_it_in_words},
    {"record_that_is_too_short_ends_it", record_that_is_too_short_ends_it},
    {"task_before_the_welcome_ends_it", task_before_the_welcome_ends_it},
    {"task_that_cannot_run_here_ends_it", task_that_cannot_run_here_ends_it},
    {"same_attempt_twice_ends_it", same_attempt_twice_ends_it},
    {"output_that_is_none_ends_it", output_that_is_none_ends_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/worker_records",
     bed_setup_suite,
     bed_clean_suite,
     bed_setup,
     bed_teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
