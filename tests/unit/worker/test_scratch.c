/* test_scratch.c - private memory that is used again. */
#include "config.h"

#include "worker/scratch.h"

#include "support/unit.h"

#include <stdint.h>
#include <string.h>

enum { MIB = 1 << 20 };

static struct hayi_scratch scratch;

static void setup(void)
{
    scratch = (struct hayi_scratch){.keep_bytes = (size_t)10 * MIB};
}

static void teardown(void)
{
    hayi_scratch_fini(&scratch);
    CU_ASSERT_EQUAL(scratch.all_bytes, 0);
}

static void pieces_do_not_overlap(void)
{
    static const size_t sizes[] = {
        1, 64, 5000, 3 * MIB, 100, 70000, MIB, 4096, 9 * MIB, 1};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    unsigned char *pieces[COUNT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            pieces[i] = hayi_scratch_take(&scratch, sizes[i]);
            CU_ASSERT_PTR_NOT_NULL_FATAL(pieces[i]);
            CU_ASSERT_EQUAL((uintptr_t)pieces[i] % 64, 0);
            CU_ASSERT(sizes[i] < 4096 || (uintptr_t)pieces[i] % 4096 == 0);
            memset(pieces[i], i + 1, sizes[i]);
        }
        int wrong = 0;
        for (int i = 0; i < COUNT; i++) {
            wrong += pieces[i][0] != i + 1;
            wrong += pieces[i][sizes[i] - 1] != i + 1;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        hayi_scratch_reset(&scratch);
    }
}

static void same_pieces_are_at_the_same_place_again(void)
{
    void *first = hayi_scratch_take(&scratch, 8 * MIB);
    void *second = hayi_scratch_take(&scratch, 8 * MIB);
    size_t all = scratch.all_bytes;
    for (int i = 0; i < 5; i++) {
        hayi_scratch_reset(&scratch);
        CU_ASSERT_PTR_EQUAL(hayi_scratch_take(&scratch, 8 * MIB), first);
        CU_ASSERT_PTR_EQUAL(hayi_scratch_take(&scratch, 8 * MIB), second);
    }
    CU_ASSERT_EQUAL(scratch.all_bytes, all);
}

static void growing_pieces_do_not_pile_up(void)
{
    for (size_t size = MIB; size < (size_t)64 * MIB; size += MIB) {
        CU_ASSERT_PTR_NOT_NULL(hayi_scratch_take(&scratch, size));
        hayi_scratch_reset(&scratch);
        CU_ASSERT(scratch.all_bytes <= size + MIB);
    }
}

static void idle_slot_gives_back_what_is_too_much(void)
{
    (void)hayi_scratch_take(&scratch, 8 * MIB);
    hayi_scratch_reset(&scratch);
    hayi_scratch_idle(&scratch);
    CU_ASSERT_EQUAL(scratch.all_bytes, 8 * MIB);
    (void)hayi_scratch_take(&scratch, 8 * MIB);
    (void)hayi_scratch_take(&scratch, 8 * MIB);
    hayi_scratch_reset(&scratch);
    hayi_scratch_idle(&scratch);
    CU_ASSERT_EQUAL(scratch.all_bytes, 8 * MIB);
    CU_ASSERT_PTR_NOT_NULL(hayi_scratch_take(&scratch, 20 * MIB));
    CU_ASSERT_PTR_NOT_NULL(hayi_scratch_take(&scratch, 20 * MIB));
}

static void size_that_cannot_be_is_refused(void)
{
    CU_ASSERT_PTR_NULL(hayi_scratch_take(&scratch, SIZE_MAX - 5));
    CU_ASSERT_PTR_NULL(hayi_scratch_take(&scratch, SIZE_MAX / 4));
    CU_ASSERT_PTR_NOT_NULL(hayi_scratch_take(&scratch, 5));
}

static CU_TestInfo tests[] = {
    {"pieces_do_not_overlap", pieces_do_not_overlap},
    {"same_pieces_are_at_the_same_place_again",
     same_pieces_are_at_the_same_place_again},
    {"growing_pieces_do_not_pile_up", growing_pieces_do_not_pile_up},
    {"idle_slot_gives_back_what_is_too_much",
     idle_slot_gives_back_what_is_too_much},
    {"size_that_cannot_be_is_refused", size_that_cannot_be_is_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/scratch", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
