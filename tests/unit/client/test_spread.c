/* test_spread.c - hay_scatter() and hay_replicate(): which nodes are asked for
 * what, and what happens when that fails. */
#include "config.h"

#include "data/store.h"
#include "fake_manager.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 15, MANY = 200 };

static struct fake fake;
static char data[SIZE];

static void open_nodes(uint32_t count)
{
    fake_open(&fake, NULL, false);
    fake_open_store(&fake, 64u << 20);
    fake.answer_wants = true;
    fake.ex->node_count = count + 1; /* the last one is not in use */
    fake.ex->node_cores = calloc(count + 1, sizeof(uint32_t));
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.ex->node_cores);
    for (uint32_t i = 0; i < count; i++) {
        fake.ex->node_cores[i] = i == 0 ? 1 : 2;
    }
}

static void setup(void)
{
    open_nodes(3);
}

static void teardown(void)
{
    fake_close(&fake);
}

static void fill(hay_arg *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = hay_bytes(data, SIZE);
    }
}

static void release_all(hay_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hay_future_release(futures[i]);
    }
}

static void values_are_dealt_out_by_cores(void)
{
    hay_arg values[MANY];
    hay_future *futures[MANY];
    fill(values, MANY);
    values[7] = hay_int64(7);
    CU_ASSERT_EQUAL(hay_scatter(fake.ex, values, MANY, futures), HAY_OK);
    CU_ASSERT_EQUAL(fake.puts, MANY);
    CU_ASSERT_EQUAL(fake.wants, MANY - 1);
    CU_ASSERT(fake.wanted_on[0] >= MANY / 5 - 1);
    CU_ASSERT(fake.wanted_on[0] <= MANY / 5);
    CU_ASSERT(fake.wanted_on[1] >= 2 * MANY / 5 - 1);
    CU_ASSERT(fake.wanted_on[2] >= 2 * MANY / 5 - 1);
    release_all(futures, MANY);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void scattered_ones_move(void)
{
    hay_arg value = hay_bytes(data, SIZE);
    hay_future *f = NULL;
    fake.answer_wants = false;
    hayi_thread_set_no_wait(true); /* nobody would answer */
    CU_ASSERT_EQUAL(hay_scatter(fake.ex, &value, 1, &f), HAY_EAGAIN);
    hayi_thread_set_no_wait(false);
    CU_ASSERT_PTR_NULL(f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake.want);
    CU_ASSERT_TRUE(fake.want->move);
    CU_ASSERT_EQUAL(fake.releases, 0);
    fake_answer(&fake, 0); /* to nobody: the item is freed */
    CU_ASSERT_EQUAL(fake.releases, 1);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void a_value_that_cannot_be_put_leaves_nothing(void)
{
    hay_arg values[3];
    hay_future *futures[3] = {NULL, NULL, NULL};
    fill(values, 3);
    values[2] = hay_string(NULL);
    CU_ASSERT_EQUAL(hay_scatter(fake.ex, values, 3, futures), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "value 2: "));
    CU_ASSERT_PTR_NULL(futures[0]);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
    CU_ASSERT_EQUAL(hay_scatter(NULL, values, 3, futures), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_scatter(fake.ex, NULL, 0, NULL), HAY_OK);
}

static void on_one_node_values_are_put_only(void)
{
    hay_arg values[3];
    hay_future *futures[3];
    fake_close(&fake);
    open_nodes(1);
    fill(values, 3);
    CU_ASSERT_EQUAL(hay_scatter(fake.ex, values, 3, futures), HAY_OK);
    CU_ASSERT_EQUAL(hay_replicate(futures, 3, 0, 0), HAY_OK);
    CU_ASSERT_EQUAL(fake.puts, 3);
    CU_ASSERT_EQUAL(fake.wants, 0);
    release_all(futures, 3);
}

static void copies_go_to_all_or_to_some_nodes(void)
{
    hay_future *futures[MANY];
    for (size_t i = 0; i < MANY; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hay_put(fake.ex, hay_bytes(data, SIZE), &futures[i]), HAY_OK);
    }
    CU_ASSERT_EQUAL(hay_replicate(futures, MANY, 0, HAY_FOREVER), HAY_OK);
    CU_ASSERT_EQUAL(fake.wanted_on[0], MANY);
    CU_ASSERT_EQUAL(fake.wanted_on[1], MANY);
    CU_ASSERT_EQUAL(fake.wanted_on[2], MANY);
    CU_ASSERT_EQUAL(hay_replicate(futures, 3, 1, HAY_FOREVER), HAY_OK);
    CU_ASSERT_EQUAL(fake.wants, 3 * MANY + 3);
    CU_ASSERT_EQUAL(fake.wanted_on[2], MANY + 1);
    CU_ASSERT_EQUAL(hay_replicate(futures, 1, 1000, HAY_FOREVER), HAY_OK);
    CU_ASSERT_EQUAL(fake.wants, 3 * MANY + 3 + 3);
    release_all(futures, MANY);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void what_is_not_there_in_time_is_told(void)
{
    hay_future *futures[2] = {NULL, NULL};
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_bytes(data, SIZE), &futures[0]),
                    HAY_OK);
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 0, 0, NULL, &futures[1]), HAY_OK);
    CU_ASSERT_EQUAL(hay_replicate(futures, 2, 0, 0), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.wants, 0);
    fake.answer_wants = false;
    CU_ASSERT_EQUAL(hay_replicate(futures, 1, 1, 1000), HAY_ETIMEDOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "have arrived yet"));
    fake_answer(&fake, 0);
    fake_fail(&fake, futures[1], "no peak");
    CU_ASSERT_EQUAL(hay_replicate(futures, 2, 0, HAY_FOREVER), HAY_ETASK);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "no peak"));
    CU_ASSERT_EQUAL(hay_replicate(NULL, 1, 0, 0), HAY_EINVAL);
    release_all(futures, 2);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(values_are_dealt_out_by_cores),
    TEST(scattered_ones_move),
    TEST(a_value_that_cannot_be_put_leaves_nothing),
    TEST(on_one_node_values_are_put_only),
    TEST(copies_go_to_all_or_to_some_nodes),
    TEST(what_is_not_there_in_time_is_told),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/spread", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
