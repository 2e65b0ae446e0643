/* test_shape.c - regions, grids and copies, against element by element. */
#include "config.h"

#include "data/shape.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300, LENGTH_MAX = 7 };

/* Numbers that are the same in each run. */
static uint64_t dice_state;

static uint64_t dice(uint64_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (dice_state >> 33) % sides;
}

static void random_shape(uint32_t ndim, uint64_t *shape)
{
    for (uint32_t d = 0; d < ndim; d++) {
        shape[d] = 1 + dice(LENGTH_MAX);
    }
}

static void
random_region(uint32_t ndim, const uint64_t *shape, hay_region *region)
{
    *region = (hay_region){.ndim = ndim};
    for (uint32_t d = 0; d < ndim; d++) {
        region->start[d] = dice(shape[d]);
        region->count[d] = 1 + dice(shape[d] - region->start[d]);
    }
}

/* The next element of a box, row-major; false: there is none. */
static bool step(const hay_region *box, uint64_t *at)
{
    for (uint32_t d = box->ndim; d-- > 0;) {
        if (++at[d] < box->start[d] + box->count[d]) {
            return true;
        }
        at[d] = box->start[d];
    }
    return false;
}

static bool inside(const hay_region *box, const uint64_t *at)
{
    for (uint32_t d = 0; d < box->ndim; d++) {
        if (at[d] < box->start[d] || at[d] >= box->start[d] + box->count[d]) {
            return false;
        }
    }
    return true;
}

/* Elements of 'box' before 'at'. */
static uint64_t place(const hay_region *box, const uint64_t *at)
{
    uint64_t number = 0;
    for (uint32_t d = 0; d < box->ndim; d++) {
        number = number * box->count[d] + (at[d] - box->start[d]);
    }
    return number;
}

static void copies_are_those_of_single_elements(void)
{
    dice_state = 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t ndim = 1 + (uint32_t)dice(4);
        uint64_t shape[HAY_NDIM_MAX];
        hay_region from;
        hay_region to;
        hay_region what;
        random_shape(ndim, shape);
        random_region(ndim, shape, &from);
        random_region(ndim, shape, &to);
        if (dice(3) == 0) {
            hayi_region_whole(ndim, shape, &from);
        }
        if (!hayi_region_intersect(&from, &to, &what)) {
            continue;
        }
        size_t element = (size_t)1 << dice(4);
        size_t from_bytes = (size_t)hayi_region_count(&from) * element;
        size_t to_bytes = (size_t)hayi_region_count(&to) * element;
        unsigned char *source = malloc(from_bytes);
        unsigned char *target = calloc(1, to_bytes);
        unsigned char *expected = calloc(1, to_bytes);
        for (size_t i = 0; i < from_bytes; i++) {
            source[i] = (unsigned char)(1 + dice(255));
        }
        uint64_t at[HAY_NDIM_MAX];
        memcpy(at, from.start, sizeof(at));
        do {
            if (inside(&to, at)) {
                memcpy(expected + place(&to, at) * element,
                       source + place(&from, at) * element,
                       element);
            }
        } while (step(&from, at));
        hayi_region_copy(target, &to, source, &from, &what, element);
        CU_ASSERT_EQUAL(memcmp(target, expected, to_bytes), 0);
        free(source);
        free(target);
        free(expected);
    }
}

static void runs_are_as_long_as_can_be(void)
{
    hay_region big = {3, {0, 0, 0}, {4, 5, 6}};
    hay_region rows = {3, {1, 0, 0}, {2, 5, 6}};
    hay_region part = {3, {1, 1, 0}, {2, 2, 6}};
    struct hayi_runs runs;
    CU_ASSERT_TRUE_FATAL(hayi_runs_begin(&runs, &rows, &big, &rows, 8));
    CU_ASSERT_EQUAL(runs.run_bytes, 2 * 5 * 6 * 8);
    CU_ASSERT_EQUAL(runs.target_at, 0);
    CU_ASSERT_EQUAL(runs.source_at, 5 * 6 * 8);
    CU_ASSERT_FALSE(hayi_runs_next(&runs));
    CU_ASSERT_TRUE_FATAL(hayi_runs_begin(&runs, &part, &big, &part, 1));
    CU_ASSERT_EQUAL(runs.run_bytes, 2 * 6);
    CU_ASSERT_TRUE(hayi_runs_next(&runs));
    CU_ASSERT_EQUAL(runs.target_at, 12);
    CU_ASSERT_EQUAL(runs.source_at, 2 * 30 + 6);
    CU_ASSERT_FALSE(hayi_runs_next(&runs));
    part.count[2] = 0;
    CU_ASSERT_FALSE(hayi_runs_begin(&runs, &big, &big, &part, 1));
}

static void region_is_a_run_if_its_elements_follow_each_other(void)
{
    dice_state = 2;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t ndim = 1 + (uint32_t)dice(4);
        uint64_t shape[HAY_NDIM_MAX];
        hay_region box;
        hay_region region;
        random_shape(ndim, shape);
        random_region(ndim, shape, &box);
        random_region(ndim, shape, &region);
        if (!hayi_region_intersect(&box, &region, &region)) {
            continue;
        }
        uint64_t at[HAY_NDIM_MAX];
        memcpy(at, region.start, sizeof(at));
        uint64_t begin = place(&box, at);
        uint64_t next = begin;
        bool follow = true;
        do {
            follow = follow && place(&box, at) == next;
            next++;
        } while (step(&region, at));
        uint64_t first = 99999;
        CU_ASSERT_EQUAL(hayi_region_run(&box, &region, &first), follow);
        CU_ASSERT_EQUAL(first, follow ? begin : 99999);
    }
}

static void chunks_cover_the_array_once(void)
{
    dice_state = 3;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t ndim = 1 + (uint32_t)dice(4);
        uint64_t shape[HAY_NDIM_MAX];
        uint64_t chunk[HAY_NDIM_MAX];
        struct hayi_grid grid;
        hay_region all;
        random_shape(ndim, shape);
        random_shape(ndim, chunk);
        CU_ASSERT_EQUAL_FATAL(hayi_grid_init(&grid, ndim, shape, chunk, NULL),
                              HAY_OK);
        hayi_region_whole(ndim, shape, &all);
        uint64_t count = 0;
        for (uint64_t i = 0; i < grid.total; i++) {
            uint64_t at[HAY_NDIM_MAX];
            hay_region region;
            hay_region box;
            hayi_grid_coordinates(&grid, i, at);
            CU_ASSERT_EQUAL(hayi_grid_index(&grid, at), i);
            hayi_grid_region(&grid, i, &region);
            hayi_grid_box(&grid, i, &box);
            CU_ASSERT_TRUE(hayi_region_inside(&region, ndim, shape));
            CU_ASSERT_TRUE(hayi_region_holds(&box, &region));
            CU_ASSERT_EQUAL(hayi_region_count(&box),
                            hayi_grid_chunk_count(&grid));
            count += hayi_region_count(&region);
            memcpy(at, region.start, sizeof(at));
            do {
                CU_ASSERT_EQUAL(hayi_grid_find(&grid, at), i);
            } while (step(&region, at));
        }
        CU_ASSERT_EQUAL(count, hayi_region_count(&all));
    }
}

static void walk_meets_the_chunks_of_a_region(void)
{
    dice_state = 4;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t ndim = 1 + (uint32_t)dice(4);
        uint64_t shape[HAY_NDIM_MAX];
        uint64_t chunk[HAY_NDIM_MAX];
        struct hayi_grid grid;
        hay_region region;
        random_shape(ndim, shape);
        random_shape(ndim, chunk);
        CU_ASSERT_EQUAL_FATAL(hayi_grid_init(&grid, ndim, shape, chunk, NULL),
                              HAY_OK);
        random_region(ndim, shape, &region);
        struct hayi_chunks walk;
        uint64_t index = 0;
        hayi_chunks_begin(&walk, &grid, &region);
        for (uint64_t i = 0; i < grid.total; i++) {
            hay_region here;
            hay_region common;
            hayi_grid_region(&grid, i, &here);
            if (hayi_region_intersect(&here, &region, &common)) {
                CU_ASSERT_TRUE(hayi_chunks_next(&walk, &index));
                CU_ASSERT_EQUAL(index, i);
            }
        }
        CU_ASSERT_FALSE(hayi_chunks_next(&walk, &index));
    }
}

static void regions_grow_up_to_the_border(void)
{
    uint64_t shape[2] = {10, 20};
    uint64_t before[2] = {2, 5};
    uint64_t after[2] = {UINT64_MAX, 1};
    hay_region region = {2, {3, 4}, {4, 5}};
    hay_region expected = {2, {1, 0}, {9, 10}};
    hayi_region_grow(&region, before, after, shape, &region);
    CU_ASSERT_TRUE(hayi_region_equal(&region, &expected));
}

static void regions_from_outside_are_judged(void)
{
    uint64_t shape[2] = {10, 20};
    hay_region region = {2, {9, 0}, {1, 20}};
    CU_ASSERT_TRUE(hayi_region_inside(&region, 2, shape));
    region.count[0] = 2;
    CU_ASSERT_FALSE(hayi_region_inside(&region, 2, shape));
    region.count[0] = UINT64_MAX;
    CU_ASSERT_FALSE(hayi_region_inside(&region, 2, shape));
    region.start[0] = UINT64_MAX;
    region.count[0] = 2;
    CU_ASSERT_FALSE(hayi_region_inside(&region, 2, shape));
    region = (hay_region){1, {0}, {1}};
    CU_ASSERT_FALSE(hayi_region_inside(&region, 2, shape));
    region.ndim = 9;
    CU_ASSERT_FALSE(hayi_region_inside(&region, 9, shape));
    region = (hay_region){2, {10, 20}, {0, 0}};
    CU_ASSERT_TRUE(hayi_region_inside(&region, 2, shape));
}

static void counts_that_are_too_large_are_refused(void)
{
    uint64_t huge[3] = {(uint64_t)1 << 31, (uint64_t)1 << 31, 2};
    uint64_t one[3] = {1, 1, 1};
    uint64_t empty[3] = {(uint64_t)1 << 40, 0, (uint64_t)1 << 40};
    uint64_t count = 7;
    struct hayi_grid grid;
    struct hayi_error err;
    CU_ASSERT_FALSE(hayi_shape_count(3, huge, 1, &count));
    CU_ASSERT_FALSE(hayi_shape_count(2, huge, 8, &count));
    CU_ASSERT_FALSE(hayi_shape_count(0, one, 1, &count));
    CU_ASSERT_FALSE(hayi_shape_count(9, one, 1, &count));
    CU_ASSERT_FALSE(hayi_shape_count(3, empty, 1, &count));
    CU_ASSERT_EQUAL(count, 7);
    CU_ASSERT_TRUE(hayi_shape_count(2, empty, 1, &count));
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(hayi_grid_init(&grid, 3, huge, one, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "less than 2^63"));
    CU_ASSERT_EQUAL(hayi_grid_init(&grid, 2, one, empty, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "dimension 1"));
    /* Few elements, but chunks that are far larger. */
    uint64_t two[2] = {2, 2};
    uint64_t wide[2] = {(uint64_t)1 << 40, (uint64_t)1 << 40};
    CU_ASSERT_EQUAL(hayi_grid_init(&grid, 2, two, wide, &err), HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_grid_init(&grid, 2, empty, one, &err), HAY_OK);
    CU_ASSERT_EQUAL(grid.total, 0);
}

static uint64_t
chosen(uint32_t ndim, const uint64_t *shape, size_t element, uint64_t *chunk)
{
    uint64_t count = 0;
    hayi_shape_chunk(ndim, shape, element, 0, chunk);
    CU_ASSERT_TRUE(hayi_shape_count(ndim, chunk, element, &count));
    for (uint32_t d = 0; d < ndim; d++) {
        CU_ASSERT_TRUE(chunk[d] >= 1 && chunk[d] <= (shape[d] ? shape[d] : 1));
    }
    return count * element;
}

static void chosen_chunks_are_pages_of_about_eight_megabytes(void)
{
    uint64_t chunk[HAY_NDIM_MAX];
    uint64_t square[2] = {10000, 10000};
    CU_ASSERT_EQUAL(chosen(2, square, 8, chunk), HAYI_CHUNK_BYTES);
    CU_ASSERT_EQUAL(chunk[0], 1024);
    uint64_t line[1] = {123456789};
    CU_ASSERT_EQUAL(chosen(1, line, 4, chunk), HAYI_CHUNK_BYTES);
    uint64_t points[2] = {123456789, 3};
    uint64_t bytes = chosen(2, points, 8, chunk);
    CU_ASSERT_EQUAL(bytes % 4096, 0);
    CU_ASSERT_TRUE(bytes > HAYI_CHUNK_BYTES / 4 && bytes <= HAYI_CHUNK_BYTES);
    CU_ASSERT_EQUAL(chunk[1], 3);
    uint64_t odd[3] = {1013, 1019, 1021};
    bytes = chosen(3, odd, 4, chunk);
    CU_ASSERT_EQUAL(bytes % 4096, 0);
    CU_ASSERT_TRUE(bytes > HAYI_CHUNK_BYTES / 4 && bytes <= HAYI_CHUNK_BYTES);
    uint64_t small[2] = {5, 7};
    CU_ASSERT_EQUAL(chosen(2, small, 8, chunk), 5 * 7 * 8);
    uint64_t none[2] = {0, 7};
    CU_ASSERT_EQUAL(chosen(2, none, 8, chunk), 7 * 8);
    uint64_t cells[2] = {(uint64_t)1 << 25, 1025};
    bytes = chosen(2, cells, 8, chunk);
    CU_ASSERT_EQUAL(bytes % 4096, 0);
    CU_ASSERT_TRUE(bytes <= HAYI_CHUNK_BYTES);
}

static void slabs_are_runs(void)
{
    dice_state = 6;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t ndim = 1 + (uint32_t)dice(4);
        uint64_t shape[HAY_NDIM_MAX];
        uint64_t chunk[HAY_NDIM_MAX];
        uint64_t most = 1 + dice(100);
        struct hayi_grid grid;
        hay_region all;
        random_shape(ndim, shape);
        hayi_shape_slab(ndim, shape, 2, 2 * most, chunk);
        CU_ASSERT_EQUAL_FATAL(hayi_grid_init(&grid, ndim, shape, chunk, NULL),
                              HAY_OK);
        hayi_region_whole(ndim, shape, &all);
        CU_ASSERT_TRUE(hayi_grid_chunk_count(&grid) <= most);
        uint64_t begin = 0;
        for (uint64_t i = 0; i < grid.total; i++) {
            hay_region region;
            uint64_t first = 0;
            hayi_grid_region(&grid, i, &region);
            CU_ASSERT_TRUE(hayi_region_run(&all, &region, &first));
            CU_ASSERT_EQUAL(first, begin);
            begin += hayi_region_count(&region);
        }
    }
}

static CU_TestInfo tests[] = {
    {"copies_are_those_of_single_elements",
     copies_are_those_of_single_elements},
    {"runs_are_as_long_as_can_be", runs_are_as_long_as_can_be},
    {"region_is_a_run_if_its_elements_follow_each_other",
     region_is_a_run_if_its_elements_follow_each_other},
    {"chunks_cover_the_array_once", chunks_cover_the_array_once},
    {"walk_meets_the_chunks_of_a_region", walk_meets_the_chunks_of_a_region},
    {"regions_grow_up_to_the_border", regions_grow_up_to_the_border},
    {"regions_from_outside_are_judged", regions_from_outside_are_judged},
    {"counts_that_are_too_large_are_refused",
     counts_that_are_too_large_are_refused},
    {"chosen_chunks_are_pages_of_about_eight_megabytes",
     chosen_chunks_are_pages_of_about_eight_megabytes},
    {"slabs_are_runs", slabs_are_runs},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/shape", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
