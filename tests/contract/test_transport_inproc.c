/* test_transport_inproc.c - the in-process transport under the contract. */
#include "config.h"

#include "contract/bulk_contract.h"
#include "support/unit.h"

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

static void close_last(void *context)
{
    struct hayi_transport *last = contract.ends[contract.end_count - 1];
    (void)context;
    last->ops->close(last, false);
}

/* ---- the tests ---------------------------------------------------------- */

static void frames_of_all_sizes_come_in_order(void)
{
    CU_ASSERT_EQUAL(hayi_contract_frames(&contract), 0);
}

static void limit_is_not_below_the_credit(void)
{
    CU_ASSERT_EQUAL(hayi_contract_limit(&contract), 0);
}

static void sink_may_send(void)
{
    CU_ASSERT_EQUAL(hayi_contract_answer(&contract), 0);
}

static void death_is_told_once_after_the_last_frame(void)
{
    CU_ASSERT_EQUAL(hayi_contract_down(&contract, close_last), 0);
}

static void bulk_messages_of_all_sizes_go_both_ways(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk(&contract), 0);
}

static void bulk_messages_of_unequal_sizes_fail_alone(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_unequal(&contract), 0);
}

static void too_many_bulk_messages_are_refused(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_limit(&contract), 0);
}

static void bulk_messages_with_a_dropped_peer_end(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_drop(&contract), 0);
}

static void tests_follow_each_other(void)
{
    CU_ASSERT_EQUAL(hayi_contract_limit(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_answer(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_frames(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_bulk(&contract), 0);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(frames_of_all_sizes_come_in_order),
    TEST(limit_is_not_below_the_credit),
    TEST(sink_may_send),
    TEST(death_is_told_once_after_the_last_frame),
    TEST(bulk_messages_of_all_sizes_go_both_ways),
    TEST(bulk_messages_of_unequal_sizes_fail_alone),
    TEST(too_many_bulk_messages_are_refused),
    TEST(bulk_messages_with_a_dropped_peer_end),
    TEST(tests_follow_each_other),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/inproc", NULL, NULL, setup, close_ends, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
