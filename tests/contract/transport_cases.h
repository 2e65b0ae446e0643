/* transport_cases.h - the cases of the contract for frames and bulk messages,
 * as tests of one transport: the test program sets up 'contract' and lists
 * TRANSPORT_CASES.
 */
#ifndef HAYI_TESTS_TRANSPORT_CASES_H
#define HAYI_TESTS_TRANSPORT_CASES_H

#include "contract/bulk_contract.h"

extern struct hayi_contract contract; /* of the test at hand */

void frames_of_all_sizes_come_in_order(void);
void limit_is_not_below_the_credit(void);
void sink_may_send(void);
void death_is_told_once_after_the_last_frame(void);
void bulk_messages_of_all_sizes_go_both_ways(void);
void bulk_messages_of_unequal_sizes_fail_alone(void);
void too_many_bulk_messages_are_refused(void);
void bulk_messages_with_a_dropped_peer_end(void);
void tests_follow_each_other(void);

#define TRANSPORT_CASE(name)                                                   \
    {                                                                          \
#name, name                                                            \
    }
#define TRANSPORT_CASES                                                        \
    TRANSPORT_CASE(frames_of_all_sizes_come_in_order),                         \
        TRANSPORT_CASE(limit_is_not_below_the_credit),                         \
        TRANSPORT_CASE(sink_may_send),                                         \
        TRANSPORT_CASE(death_is_told_once_after_the_last_frame),               \
        TRANSPORT_CASE(bulk_messages_of_all_sizes_go_both_ways),               \
        TRANSPORT_CASE(bulk_messages_of_unequal_sizes_fail_alone),             \
        TRANSPORT_CASE(too_many_bulk_messages_are_refused),                    \
        TRANSPORT_CASE(bulk_messages_with_a_dropped_peer_end),                 \
        TRANSPORT_CASE(tests_follow_each_other)

#endif
