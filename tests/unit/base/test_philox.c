/* test_philox.c - Philox4x32-10 against Random123's published vectors (its
 * file kat_vectors), and the streams made of it. */
#include "config.h"

#include "base/philox.h"
#include "support/unit.h"

#include <string.h>

static void
check(const uint32_t counter[4], const uint32_t key[2], const uint32_t want[4])
{
    uint32_t block[4];
    hayi_philox4x32(counter, key, block);
    CU_ASSERT(memcmp(block, want, sizeof(block)) == 0);
}

static void blocks_are_those_of_random123(void)
{
    const uint32_t zeros[4] = {0, 0, 0, 0};
    const uint32_t ones[4] = {~0u, ~0u, ~0u, ~0u};
    const uint32_t pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    const uint32_t pi_key[2] = {0xa4093822, 0x299f31d0};
    const uint32_t want[3][4] = {
        {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    check(zeros, zeros, want[0]);
    check(ones, ones, want[1]);
    check(pi, pi_key, want[2]);
}

static void stream_is_the_blocks_in_order(void)
{
    struct hayi_stream stream;
    uint32_t block[4];
    hayi_stream_init(&stream, 1, 2, UINT64_C(0x500000003));
    CU_ASSERT_EQUAL(stream.counter[2], 3);
    CU_ASSERT_EQUAL(stream.counter[3], 5);
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t counter[4] = {i, 0, 3, 5};
        hayi_philox4x32(counter, stream.key, block);
        uint64_t low = block[0] | (uint64_t)block[1] << 32;
        uint64_t high = block[2] | (uint64_t)block[3] << 32;
        CU_ASSERT_EQUAL(hayi_stream_next(&stream), low);
        CU_ASSERT_EQUAL(hayi_stream_next(&stream), high);
    }
}

static void streams_differ_by_seed_key_and_item(void)
{
    uint64_t first[4];
    const uint64_t with[4][3] = {{1, 1, 0}, {2, 1, 0}, {1, 2, 0}, {1, 1, 1}};
    for (int i = 0; i < 4; i++) {
        struct hayi_stream stream;
        hayi_stream_init(&stream, with[i][0], with[i][1], with[i][2]);
        first[i] = hayi_stream_next(&stream);
        for (int k = 0; k < i; k++) {
            CU_ASSERT_NOT_EQUAL(first[k], first[i]);
        }
    }
}

static void doubles_fill_the_unit_interval(void)
{
    struct hayi_stream stream;
    double sum = 0;
    hayi_stream_init(&stream, 0, 0, 0);
    for (int i = 0; i < 10000; i++) {
        double x = hayi_stream_next_double(&stream);
        CU_ASSERT(x >= 0 && x < 1);
        sum += x;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / 10000, 0.5, 0.02);
}

static void hashes_depend_on_every_byte_and_the_size(void)
{
    CU_ASSERT_NOT_EQUAL(hayi_hash_bytes("ab", 2), hayi_hash_bytes("ba", 2));
    CU_ASSERT_NOT_EQUAL(hayi_hash_bytes("a", 1), hayi_hash_bytes("a\0", 2));
    CU_ASSERT_EQUAL(hayi_hash_bytes("name", 4), hayi_hash_bytes("name", 4));
}

static CU_TestInfo tests[] = {
    {"blocks_are_those_of_random123", blocks_are_those_of_random123},
    {"stream_is_the_blocks_in_order", stream_is_the_blocks_in_order},
    {"streams_differ_by_seed_key_and_item",
     streams_differ_by_seed_key_and_item},
    {"doubles_fill_the_unit_interval", doubles_fill_the_unit_interval},
    {"hashes_depend_on_every_byte_and_the_size",
     hashes_depend_on_every_byte_and_the_size},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"base/philox", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
