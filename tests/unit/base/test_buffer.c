/* test_buffer.c - growable bytes. */
#include "config.h"

#include "base/buffer.h"

#include "support/unit.h"

#include <string.h>

static struct hayi_buffer buffer;

static void setup(void)
{
    hayi_buffer_init(&buffer);
}

static void teardown(void)
{
    hayi_buffer_fini(&buffer);
}

static void bytes_are_kept_while_it_grows(void)
{
    for (unsigned i = 0; i < 5000; i++) {
        CU_ASSERT_EQUAL_FATAL(hayi_buffer_append(&buffer, &i, sizeof(i)),
                              HAY_OK);
    }
    CU_ASSERT_EQUAL(buffer.size, 5000 * sizeof(unsigned));
    unsigned wrong = 0;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned was;
        memcpy(&was, buffer.data + i * sizeof(i), sizeof(was));
        wrong += was != i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* NULL means that memory is short, so even nothing has a place. */
static void nothing_can_be_appended_to_an_empty_one(void)
{
    CU_ASSERT_EQUAL(hayi_buffer_append(&buffer, NULL, 0), HAY_OK);
    CU_ASSERT_EQUAL(buffer.size, 0);
    CU_ASSERT_PTR_NOT_NULL(hayi_buffer_extend(&buffer, 0));
}

static void memory_is_aligned(void)
{
    void *place = hayi_buffer_extend(&buffer, 1);
    CU_ASSERT_EQUAL((uintptr_t)place % 8, 0);
}

static void what_no_memory_can_hold_is_refused_and_changes_nothing(void)
{
    CU_ASSERT_EQUAL(hayi_buffer_append(&buffer, "abc", 3), HAY_OK);
    CU_ASSERT_PTR_NULL(hayi_buffer_extend(&buffer, SIZE_MAX));
    CU_ASSERT_PTR_NULL(hayi_buffer_extend(&buffer, SIZE_MAX - 3));
    CU_ASSERT_PTR_NULL(hayi_buffer_extend(&buffer, SIZE_MAX / 2));
    CU_ASSERT_EQUAL(buffer.size, 3);
    CU_ASSERT_EQUAL(memcmp(buffer.data, "abc", 3), 0);
}

static void consuming_leaves_the_rest(void)
{
    CU_ASSERT_EQUAL(hayi_buffer_append(&buffer, "abcdef", 6), HAY_OK);
    hayi_buffer_consume(&buffer, 2);
    CU_ASSERT_EQUAL(buffer.size, 4);
    CU_ASSERT_EQUAL(memcmp(buffer.data, "cdef", 4), 0);
    hayi_buffer_consume(&buffer, 4);
    CU_ASSERT_EQUAL(buffer.size, 0);
    hayi_buffer_consume(&buffer, 0);
    CU_ASSERT_EQUAL(buffer.size, 0);
}

static CU_TestInfo tests[] = {
    {"bytes_are_kept_while_it_grows", bytes_are_kept_while_it_grows},
    {"nothing_can_be_appended_to_an_empty_one",
     nothing_can_be_appended_to_an_empty_one},
    {"memory_is_aligned", memory_is_aligned},
    {"what_no_memory_can_hold_is_refused_and_changes_nothing",
     what_no_memory_can_hold_is_refused_and_changes_nothing},
    {"consuming_leaves_the_rest", consuming_leaves_the_rest},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/buffer", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
