/* transport_cases.c - the contract's cases as tests; see transport_cases.h. */
#include "config.h"

#include "contract/transport_cases.h"
#include "support/unit.h"

struct hayi_contract contract;

static void close_last(void *context)
{
    struct hayi_transport *last = contract.ends[contract.end_count - 1];
    (void)context;
    last->ops->close(last, false);
}

void frames_of_all_sizes_come_in_order(void)
{
    CU_ASSERT_EQUAL(hayi_contract_frames(&contract), 0);
}

void limit_is_not_below_the_credit(void)
{
    CU_ASSERT_EQUAL(hayi_contract_limit(&contract), 0);
}

void sink_may_send(void)
{
    CU_ASSERT_EQUAL(hayi_contract_answer(&contract), 0);
}

void death_is_told_once_after_the_last_frame(void)
{
    CU_ASSERT_EQUAL(hayi_contract_down(&contract, close_last), 0);
}

void bulk_messages_of_all_sizes_go_both_ways(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk(&contract), 0);
}

void bulk_messages_of_unequal_sizes_fail_alone(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_unequal(&contract), 0);
}

void too_many_bulk_messages_are_refused(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_limit(&contract), 0);
}

void bulk_messages_with_a_dropped_peer_end(void)
{
    CU_ASSERT_EQUAL(hayi_contract_bulk_drop(&contract), 0);
}

void tests_follow_each_other(void)
{
    CU_ASSERT_EQUAL(hayi_contract_limit(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_answer(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_frames(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_bulk(&contract), 0);
}
