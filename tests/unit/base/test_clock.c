/* test_clock.c - deadlines from timeouts and back. */
#include "config.h"

#include "base/clock.h"

#include "support/unit.h"

static void time_goes_on_and_is_never_negative(void)
{
    uint64_t before = hayi_clock_ns();
    CU_ASSERT(hayi_clock_ns() >= before);
    CU_ASSERT_EQUAL(hayi_clock_left(0), 0);
    CU_ASSERT_EQUAL(hayi_clock_left(before), 0);
    CU_ASSERT(hayi_clock_deadline(0) >= before);
}

static void for_ever_stays_for_ever(void)
{
    CU_ASSERT_EQUAL(hayi_clock_deadline(UINT64_MAX), UINT64_MAX);
    CU_ASSERT_EQUAL(hayi_clock_deadline(UINT64_MAX - 1), UINT64_MAX);
    CU_ASSERT_EQUAL(hayi_clock_left(UINT64_MAX), UINT64_MAX);
}

static void a_deadline_is_a_timeout_from_now(void)
{
    const uint64_t hour_ns = UINT64_C(3600000000000);
    uint64_t before = hayi_clock_ns();
    uint64_t deadline = hayi_clock_deadline(hour_ns);
    CU_ASSERT(deadline >= before + hour_ns);
    CU_ASSERT(deadline <= hayi_clock_ns() + hour_ns);
    CU_ASSERT(hayi_clock_left(deadline) <= hour_ns);
    CU_ASSERT(hayi_clock_left(deadline) > 0);
}

static CU_TestInfo tests[] = {
    {"time_goes_on_and_is_never_negative", time_goes_on_and_is_never_negative},
    {"for_ever_stays_for_ever", for_ever_stays_for_ever},
    {"a_deadline_is_a_timeout_from_now", a_deadline_is_a_timeout_from_now},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"base/clock", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
