/* test_cargos.c - records of inputs and made objects. */
#include "config.h"

#include "core/alloc.h"
#include "core/cargos.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static struct hayi_cargos cargos;

static void setup(void)
{
    hayi_cargos_init(&cargos);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_cargos_fini(&cargos);
}

static uint32_t take(void)
{
    CU_ASSERT_EQUAL(hayi_cargos_reserve(&cargos), HAY_OK);
    return hayi_cargos_take(&cargos);
}

static void inputs_are_sorted_and_kept_once(void)
{
    static const uint32_t some[] = {7, 3, 7, 9, 3};
    uint32_t index = take();
    uint32_t *list = malloc(sizeof(some));
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    memcpy(list, some, sizeof(some));
    hayi_cargos_inputs(&cargos, index, list, 5);
    const struct hayi_cargo *cargo = hayi_cargo_at(&cargos, index);
    CU_ASSERT_EQUAL(cargo->input_count, 3);
    CU_ASSERT_EQUAL(cargo->inputs[0], 3);
    CU_ASSERT_EQUAL(cargo->inputs[2], 9);
    CU_ASSERT_TRUE(hayi_cargo_lists(cargo, 7));
    CU_ASSERT_FALSE(hayi_cargo_lists(cargo, 8));
    CU_ASSERT_EQUAL(cargos.entries, 3);
    hayi_cargos_give(&cargos, index);
    CU_ASSERT_EQUAL(cargos.entries, 0);
}

static void a_record_given_back_is_passed_over(void)
{
    uint32_t a = take();
    uint32_t b = take();
    hayi_cargos_touch(&cargos, a);
    hayi_cargos_touch(&cargos, b);
    hayi_cargos_give(&cargos, a);
    CU_ASSERT_NOT_EQUAL(take(), a); /* it is in the list still */
    CU_ASSERT_EQUAL(hayi_cargos_pop(&cargos), b);
    CU_ASSERT_EQUAL(hayi_cargos_pop(&cargos), 0);
    CU_ASSERT_EQUAL(take(), a);
    CU_ASSERT_EQUAL(cargos.live, 3);
}

static void lists_are_linked_both_ways(void)
{
    uint32_t head = 0;
    uint32_t a = take();
    uint32_t b = take();
    uint32_t c = take();
    hayi_cargos_link(&cargos, &head, a);
    hayi_cargos_link(&cargos, &head, b);
    hayi_cargos_link(&cargos, &head, c);
    hayi_cargos_unlink(&cargos, &head, b);
    CU_ASSERT_EQUAL(head, c);
    CU_ASSERT_EQUAL(hayi_cargo_at(&cargos, c)->next, a);
    CU_ASSERT_EQUAL(hayi_cargo_at(&cargos, a)->prev, c);
    hayi_cargos_unlink(&cargos, &head, c);
    hayi_cargos_unlink(&cargos, &head, a);
    CU_ASSERT_EQUAL(head, 0);
}

static CU_TestInfo tests[] = {
    {"inputs_are_sorted_and_kept_once", inputs_are_sorted_and_kept_once},
    {"a_record_given_back_is_passed_over", a_record_given_back_is_passed_over},
    {"lists_are_linked_both_ways", lists_are_linked_both_ways},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/cargos", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
