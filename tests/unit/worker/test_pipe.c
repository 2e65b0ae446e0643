/* test_pipe.c - records of any size over two rings. */
#include "config.h"

#include "worker/pipe.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 256, LONG = 100000 };

static struct hayi_ring_head heads[2];
static unsigned char memory[2][SIZE];
static struct hayi_pipe ends[2];

static void setup(void)
{
    memset(heads, 0, sizeof(heads));
    for (int i = 0; i < 2; i++) {
        const struct hayi_ring out = {&heads[i], memory[i], SIZE, 0, false};
        const struct hayi_ring in = {
            &heads[1 - i], memory[1 - i], SIZE, 0, false};
        hayi_pipe_init(&ends[i], &out, &in);
    }
}

static void teardown(void)
{
    hayi_pipe_fini(&ends[0]);
    hayi_pipe_fini(&ends[1]);
}

static hay_status send(int end, uint32_t kind, const void *data, size_t size)
{
    const struct hayi_pipe_part part = {data, size};
    return hayi_pipe_send(&ends[end], kind, &part, 1);
}

static void records_come_whole_and_in_order_both_ways(void)
{
    struct hayi_pipe_record record;
    const void *body;
    for (uint32_t i = 0; i < 100; i++) {
        for (int end = 0; end < 2; end++) {
            uint32_t number = i * 2 + (uint32_t)end;
            CU_ASSERT_EQUAL(send(end, number, &number, sizeof(number)), HAY_OK);
        }
        for (int end = 0; end < 2; end++) {
            CU_ASSERT_TRUE_FATAL(hayi_pipe_next(&ends[end], &record, &body));
            CU_ASSERT_EQUAL(record.kind, i * 2 + (uint32_t)(1 - end));
            CU_ASSERT_EQUAL(memcmp(body, &record.kind, 4), 0);
            CU_ASSERT_FALSE(hayi_pipe_next(&ends[end], &record, &body));
        }
    }
}

static void record_longer_than_the_ring_comes_in_pieces(void)
{
    struct hayi_pipe_record record;
    const void *body = NULL;
    char *data = malloc(LONG);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    for (int i = 0; i < LONG; i++) {
        data[i] = (char)(i * 7);
    }
    CU_ASSERT_EQUAL(send(0, 5, data, LONG), HAY_OK);
    CU_ASSERT_EQUAL(send(0, 6, NULL, 0), HAY_OK);
    CU_ASSERT_FALSE(hayi_pipe_is_sent(&ends[0]));
    int turns = 0;
    while (!hayi_pipe_next(&ends[1], &record, &body) && turns < LONG) {
        (void)hayi_pipe_flush(&ends[0]);
        turns++;
    }
    CU_ASSERT_EQUAL(record.kind, 5);
    CU_ASSERT_EQUAL_FATAL(record.size, LONG);
    CU_ASSERT_EQUAL(memcmp(body, data, LONG), 0);
    (void)hayi_pipe_flush(&ends[0]);
    CU_ASSERT_TRUE_FATAL(hayi_pipe_next(&ends[1], &record, &body));
    CU_ASSERT_EQUAL(record.kind, 6);
    CU_ASSERT_EQUAL(record.size, 0);
    CU_ASSERT_TRUE(hayi_pipe_is_sent(&ends[0]));
    free(data);
}

static void parts_are_padded(void)
{
    struct hayi_pipe_record record;
    const void *body;
    const struct hayi_pipe_part parts[3] = {{"abc", 3}, {NULL, 0}, {"defg", 4}};
    CU_ASSERT_EQUAL(hayi_pipe_send(&ends[1], 1, parts, 3), HAY_OK);
    CU_ASSERT_TRUE_FATAL(hayi_pipe_next(&ends[0], &record, &body));
    CU_ASSERT_EQUAL(record.size, 16);
    CU_ASSERT_EQUAL(memcmp(body, "abc\0\0\0\0\0defg\0\0\0\0", 16), 0);
}

static void nonsense_damages_it(void)
{
    struct hayi_pipe_record record = {.size = UINT64_C(1) << 60};
    const void *body;
    CU_ASSERT_EQUAL(hayi_ring_put(&ends[0].out, &record, sizeof(record)),
                    sizeof(record));
    CU_ASSERT_FALSE(hayi_pipe_next(&ends[1], &record, &body));
    CU_ASSERT_TRUE(ends[1].damaged);
}

static CU_TestInfo tests[] = {
    {"records_come_whole_and_in_order_both_ways",
     records_come_whole_and_in_order_both_ways},
    {"record_longer_than_the_ring_comes_in_pieces",
     record_longer_than_the_ring_comes_in_pieces},
    {"parts_are_padded", parts_are_padded},
    {"nonsense_damages_it", nonsense_damages_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/pipe", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
