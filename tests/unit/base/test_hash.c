/* test_hash.c - hashes against published values. */
#include "config.h"

#include "base/hash.h"

#include "support/unit.h"

#include <string.h>

/* The check values of the specification's own test program: a buffer made by
 * its generator, hashed by its first bytes. */
static void own_hash_is_xxh64(void)
{
    unsigned char text[222];
    uint64_t byte = 2654435761u;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(byte >> 56);
        byte *= 11400714785074694797u;
    }
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, text, 0), 0xEF46DB3751D8E999u);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, text, 1), 0xE934A84ADB052768u);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, text, 4), 0x9136A0DCA57457EEu);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, text, 14), 0x8282DCC4994E35C8u);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, text, 222), 0xB641AE8CB691C174u);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH64, "abc", 3), 0x44BC2CF5AD770999u);
}

static void quick_hash_is_xxh3(void)
{
    if (!hayi_hash_has(HAYI_HASH_XXH3)) {
        hayi_unit_skip("built without xxhash.h");
        return;
    }
    CU_ASSERT_EQUAL(hayi_hash_best(), HAYI_HASH_XXH3);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH3, "", 0), 0x2D06800538D394C2u);
    CU_ASSERT_EQUAL(hayi_hash(HAYI_HASH_XXH3, "abc", 3), 0x78AF5F94892F3950u);
}

static void every_bit_counts(void)
{
    unsigned char data[100] = {0};
    for (size_t size = 1; size <= sizeof(data); size += 11) {
        uint64_t plain = hayi_hash(hayi_hash_best(), data, size);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            CU_ASSERT_NOT_EQUAL(hayi_hash(hayi_hash_best(), data, size), plain);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
}

static void pieces_give_the_same_hash(void)
{
    static unsigned char data[5000];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)(i * i >> 3);
    }
    for (uint32_t kind = 1; kind <= 2; kind++) {
        if (!hayi_hash_has(kind)) {
            continue;
        }
        enum hayi_hash_kind one = (enum hayi_hash_kind)kind;
        for (size_t size = 0; size < sizeof(data); size += 37) {
            for (size_t piece = 64; piece <= 1024; piece *= 4) {
                struct hayi_hasher hasher;
                hayi_hasher_init(&hasher, one);
                for (size_t at = 0; at < size; at += piece) {
                    hayi_hasher_add(&hasher,
                                    data + at,
                                    size - at < piece ? size - at : piece);
                }
                CU_ASSERT_EQUAL(hayi_hasher_end(&hasher),
                                hayi_hash(one, data, size));
            }
        }
    }
}

static void unknown_kinds_are_not_there(void)
{
    CU_ASSERT_FALSE(hayi_hash_has(0));
    CU_ASSERT_FALSE(hayi_hash_has(3));
    CU_ASSERT_TRUE(hayi_hash_has(HAYI_HASH_XXH64));
    CU_ASSERT_TRUE(hayi_hash_has(hayi_hash_best()));
}

static CU_TestInfo tests[] = {
    {"own_hash_is_xxh64", own_hash_is_xxh64},
    {"quick_hash_is_xxh3", quick_hash_is_xxh3},
    {"every_bit_counts", every_bit_counts},
    {"pieces_give_the_same_hash", pieces_give_the_same_hash},
    {"unknown_kinds_are_not_there", unknown_kinds_are_not_there},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/hash", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
