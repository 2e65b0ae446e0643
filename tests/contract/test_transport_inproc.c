/* test_transport_inproc.c - the in-process transport under the contract. */
#include "config.h"

#include "contract/transport_cases.h"
#include "support/unit.h"

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

static CU_TestInfo tests[] = {
    TRANSPORT_CASES,
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
