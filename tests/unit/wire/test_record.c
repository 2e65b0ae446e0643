/* test_record.c - lengths of records from outside are not trusted. */
#include "config.h"

#include "wire/record.h"

#include "support/unit.h"

#include <string.h>

enum { HEAD = 16, ROOM = 256 };

static union {
    uint64_t align;
    unsigned char bytes[ROOM];
} body;
static const void *at[4];

static void setup(void)
{
    memset(&body, 'x', sizeof(body));
}

static hay_status
parts(size_t size, const uint64_t *list, size_t count, uint32_t strings)
{
    struct hayi_error err;
    return hayi_record_parts(
        body.bytes, size, HEAD, list, count, strings, at, &err);
}

static void sizes_are_padded(void)
{
    const uint64_t list[3] = {0, 1, 9};
    CU_ASSERT_EQUAL(hayi_record_size(HEAD, list, 3), HEAD + 8 + 16);
    CU_ASSERT_EQUAL(hayi_record_size(13, NULL, 0), 16);
}

static void parts_follow_each_other(void)
{
    const uint64_t list[3] = {5, 0, 8};
    size_t size = hayi_record_size(HEAD, list, 3);
    CU_ASSERT_EQUAL(parts(size, list, 3, 0), HAY_OK);
    CU_ASSERT_PTR_EQUAL(at[0], body.bytes + HEAD);
    CU_ASSERT_PTR_EQUAL(at[1], body.bytes + HEAD + 8);
    CU_ASSERT_PTR_EQUAL(at[2], body.bytes + HEAD + 8);
}

static void head_that_is_cut_is_refused(void)
{
    for (size_t size = 0; size < HEAD; size++) {
        CU_ASSERT_EQUAL(parts(size, NULL, 0, 0), HAY_EMISMATCH);
    }
    CU_ASSERT_EQUAL(parts(HEAD, NULL, 0, 0), HAY_OK);
}

static void tail_that_is_cut_is_refused(void)
{
    const uint64_t list[2] = {9, 9};
    size_t whole = hayi_record_size(HEAD, list, 2);
    for (size_t size = 0; size < whole; size++) {
        CU_ASSERT_EQUAL(parts(size, list, 2, 0), HAY_EMISMATCH);
    }
    CU_ASSERT_EQUAL(parts(whole, list, 2, 0), HAY_OK);
    CU_ASSERT_EQUAL(parts(whole + 8, list, 2, 0), HAY_OK);
}

/* Adding or padding such a length would wrap round. */
static void huge_lengths_are_refused(void)
{
    const uint64_t huge[] = {UINT64_MAX,
                             UINT64_MAX - 6,
                             UINT64_MAX - 7,
                             UINT64_MAX / 2,
                             241,
                             240 + 1};
    for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
        const uint64_t first[2] = {huge[i], 8};
        const uint64_t second[2] = {8, huge[i]};
        CU_ASSERT_EQUAL(parts(ROOM, first, 2, 0), HAY_EMISMATCH);
        CU_ASSERT_EQUAL(parts(ROOM, second, 2, 0), HAY_EMISMATCH);
    }
}

static void string_without_an_end_is_refused(void)
{
    const uint64_t list[2] = {8, 4};
    CU_ASSERT_EQUAL(parts(ROOM, list, 2, 0), HAY_OK);
    CU_ASSERT_EQUAL(parts(ROOM, list, 2, 2), HAY_EMISMATCH);
    body.bytes[HEAD + 8 + 3] = 0;
    CU_ASSERT_EQUAL(parts(ROOM, list, 2, 2), HAY_OK);
    CU_ASSERT_EQUAL(parts(ROOM, list, 2, 3), HAY_EMISMATCH);
}

static void empty_string_needs_no_end(void)
{
    const uint64_t list[1] = {0};
    CU_ASSERT_EQUAL(parts(HEAD, list, 1, 1), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"sizes_are_padded", sizes_are_padded},
    {"parts_follow_each_other", parts_follow_each_other},
    {"head_that_is_cut_is_refused", head_that_is_cut_is_refused},
    {"tail_that_is_cut_is_refused", tail_that_is_cut_is_refused},
    {"huge_lengths_are_refused", huge_lengths_are_refused},
    {"string_without_an_end_is_refused", string_without_an_end_is_refused},
    {"empty_string_needs_no_end", empty_string_needs_no_end},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"wire/record", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
