/* test_transport_sim.c - the simulated transport under the contract: two
 * workers, frames take different times.
 */
#include "config.h"

#include "contract/transport_contract.h"
#include "support/unit.h"
#include "transport/transport_sim.h"

static struct hayi_contract contract;

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

static struct hayi_simnet *net;
static uint64_t now_ns;

static uint64_t delay(void *context, uint32_t from, uint32_t to, size_t size)
{
    (void)context;
    return 1000 + 700 * from + 300 * to + size % 97;
}

static void idle(void *context)
{
    (void)context;
    uint64_t at_ns = 0;
    if (hayi_simnet_next(net, &at_ns)) {
        (void)hayi_simnet_tell(net);
        now_ns = at_ns > now_ns ? at_ns : now_ns;
        hayi_simnet_advance(net, now_ns);
    }
}

static void setup(void)
{
    struct hayi_simnet_config config = {.peer_count = 3, .delay_ns = delay};
    contract = (struct hayi_contract){.end_count = 3, .idle = idle};
    now_ns = 0;
    CU_ASSERT_EQUAL(hayi_simnet_new(&config, &net), HAY_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(hayi_simnet_end(net, i, &contract.ends[i]), HAY_OK);
    }
}

static void teardown(void)
{
    close_ends();
    hayi_simnet_free(net);
    net = NULL;
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

static void tests_follow_each_other(void)
{
    CU_ASSERT_EQUAL(hayi_contract_limit(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_answer(&contract), 0);
    CU_ASSERT_EQUAL(hayi_contract_frames(&contract), 0);
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
    TEST(tests_follow_each_other),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/sim", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
