/* test_value.c - arguments and results as bytes, sound and damaged. */
#include "config.h"

#include "support/unit.h"
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

static struct hayi_buffer buffer;
static struct hayi_error err;

static void setup(void)
{
    hayi_buffer_init(&buffer);
    err = (struct hayi_error){HAY_OK, ""};
}

static void teardown(void)
{
    hayi_buffer_fini(&buffer);
}

static hay_arg arg(uint32_t kind, const void *data, size_t count)
{
    hay_arg a = {.kind = kind, .count = count, .u.data = data};
    return a;
}

static void scalars_come_back(void)
{
    struct hayi_value value;
    size_t used = 0;
    double d = 2.5;
    CU_ASSERT_EQUAL(hayi_value_append(&buffer, HAY_DOUBLE, &d, 8, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_value_append(&buffer, HAY_STRING, "peak", 5, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_value_append(&buffer, HAY_BYTES, "a\0b", 3, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_value_append(&buffer, HAY_NONE, NULL, 0, &err),
                    HAY_OK);
    const unsigned char *at = buffer.data;
    size_t left = buffer.size;
    CU_ASSERT_EQUAL(hayi_value_read(at, left, &value, &used, &err), HAY_OK);
    CU_ASSERT(value.type == HAY_DOUBLE && memcmp(value.data, &d, 8) == 0);
    at += used, left -= used;
    CU_ASSERT_EQUAL(hayi_value_read(at, left, &value, &used, &err), HAY_OK);
    CU_ASSERT(value.type == HAY_STRING && value.size == 5);
    CU_ASSERT_STRING_EQUAL((const char *)value.data, "peak");
    at += used, left -= used;
    CU_ASSERT_EQUAL(hayi_value_read(at, left, &value, &used, &err), HAY_OK);
    CU_ASSERT(value.type == HAY_BYTES && value.size == 3);
    at += used, left -= used;
    CU_ASSERT_EQUAL(hayi_value_read(at, left, &value, &used, &err), HAY_OK);
    CU_ASSERT(value.type == HAY_NONE && used == left);
}

static void arrays_come_back_with_their_shape(void)
{
    const uint64_t shape[2] = {2, 3};
    const int16_t data[6] = {1, 2, 3, 4, 5, 6};
    struct hayi_value value;
    size_t used = 0;
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&buffer, HAY_I16, 2, shape, data, &err),
        HAY_OK);
    CU_ASSERT_EQUAL(buffer.size, hayi_value_size(HAY_ARRAY, 2, 12));
    CU_ASSERT_EQUAL(
        hayi_value_read(buffer.data, buffer.size, &value, &used, &err), HAY_OK);
    CU_ASSERT_EQUAL(value.array.ndim, 2);
    CU_ASSERT_EQUAL(value.array.shape[1], 3);
    CU_ASSERT_EQUAL(value.array.dtype, HAY_I16);
    CU_ASSERT_EQUAL(value.array.size_bytes, 12);
    CU_ASSERT(memcmp(value.array.data, data, 12) == 0);
}

static void arrays_that_cannot_be_are_refused(void)
{
    const uint64_t huge[2] = {UINT64_MAX / 2, 16};
    const uint64_t none[2] = {UINT64_MAX, 0};
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&buffer, HAY_F64, 2, huge, NULL, &err),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&buffer, HAY_F64, 9, huge, NULL, &err),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&buffer, (hay_dtype)99, 2, none, NULL, &err),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(buffer.size, 0);
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&buffer, HAY_F64, 2, none, NULL, &err), HAY_OK);
}

static void values_above_the_limit_are_refused(void)
{
    CU_ASSERT_EQUAL(
        hayi_value_append(&buffer, HAY_BYTES, NULL, HAY_VALUE_MAX, &err),
        HAY_OK);
    CU_ASSERT_EQUAL(
        hayi_value_append(&buffer, HAY_BYTES, NULL, HAY_VALUE_MAX + 1, &err),
        HAY_ETOOBIG);
}

/* Every shorter piece, and every single changed byte of the heads, is either
 * refused or read without leaving the bytes (the sanitizers look). */
static void damaged_values_never_lead_outside(void)
{
    const uint64_t shape[1] = {2};
    const double data[2] = {1, 2};
    struct hayi_value value;
    (void)hayi_value_append_array(&buffer, HAY_F64, 1, shape, data, &err);
    for (size_t size = 0; size < buffer.size; size++) {
        void *copy = malloc(size + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, buffer.data, size);
        CU_ASSERT_EQUAL(hayi_value_read(copy, size, &value, NULL, &err),
                        HAY_ETYPE);
        free(copy);
    }
    for (size_t at = 0; at < 24; at++) {
        for (int bit = 0; bit < 8; bit++) {
            buffer.data[at] ^= (unsigned char)(1 << bit);
            if (hayi_value_read(buffer.data, buffer.size, &value, NULL, &err)
                == HAY_OK) {
                CU_ASSERT(value.size <= buffer.size);
            }
            buffer.data[at] ^= (unsigned char)(1 << bit);
        }
    }
}

static void strings_must_end(void)
{
    struct hayi_value value;
    (void)hayi_value_append(&buffer, HAY_STRING, "ab", 3, &err);
    buffer.data[sizeof(struct hayi_value_head) + 2] = 'c';
    CU_ASSERT_EQUAL(
        hayi_value_read(buffer.data, buffer.size, &value, NULL, &err),
        HAY_ETYPE);
}

/* Arguments {1.5, ref, refs[2], "s"} as a blob; the futures are never looked
 * into. */
static unsigned char *blob(struct hayi_args_size *size, hay_future **refs)
{
    static hay_future *futures[3];
    static char three[3];
    for (int i = 0; i < 3; i++) {
        futures[i] = (hay_future *)(void *)&three[i];
    }
    hay_arg list[4] = {
        {.kind = HAY_DOUBLE, .u.d = 1.5},
        {.kind = HAYI_KIND_REF, .u.future = futures[0]},
        {.kind = HAYI_KIND_REFS, .count = 2, .u.futures = futures + 1},
        arg(HAY_STRING, "s", 2),
    };
    hay_args args = {list, 4};
    CU_ASSERT_EQUAL_FATAL(hayi_args_measure(args, size, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(size->refs, 3);
    unsigned char *bytes = malloc(size->bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    hayi_args_write(args, bytes, refs);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_PTR_EQUAL(refs[i], futures[i]);
    }
    return bytes;
}

static void places_are_filled_with_results(void)
{
    struct hayi_args_size size;
    hay_future *refs[3];
    struct hayi_value value;
    struct hayi_value element;
    struct hayi_buffer results;
    double seven = 7;
    unsigned char *bytes = blob(&size, refs);
    hayi_buffer_init(&results);
    (void)hayi_value_append(&results, HAY_DOUBLE, &seven, 8, &err);
    size_t first = results.size;
    (void)hayi_value_append(&results, HAY_STRING, "a long result", 14, &err);
    const void *at[3] = {results.data, results.data, results.data + first};
    const size_t sizes[3] = {0, first, results.size - first};
    CU_ASSERT_TRUE(hayi_args_has_refs(bytes, size.bytes));
    CU_ASSERT_EQUAL(hayi_args_check(bytes, size.bytes, &err), HAY_ETYPE);
    CU_ASSERT_EQUAL_FATAL(
        hayi_args_fill(bytes, size.bytes, at, sizes, &buffer, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_args_check(buffer.data, buffer.size, &err),
                          HAY_OK);
    CU_ASSERT_FALSE(hayi_args_has_refs(buffer.data, buffer.size));
    CU_ASSERT_EQUAL(hayi_args_count(buffer.data), 4);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 1, &value));
    CU_ASSERT_EQUAL(value.type, HAY_NONE);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 2, &value));
    CU_ASSERT_EQUAL(value.type, HAY_LIST);
    CU_ASSERT_EQUAL(value.count, 2);
    CU_ASSERT_TRUE(hayi_list_get(&value, 1, &element));
    CU_ASSERT_STRING_EQUAL((const char *)element.data, "a long result");
    CU_ASSERT_FALSE(hayi_list_get(&value, 2, &element));
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 3, &value));
    CU_ASSERT_STRING_EQUAL((const char *)value.data, "s");
    CU_ASSERT_FALSE(hayi_args_get(buffer.data, 4, &value));
    hayi_buffer_fini(&results);
    free(bytes);
}

static void even_lists_are_found_by_index(void)
{
    enum { COUNT = 100 };
    hay_future *futures[COUNT];
    hay_future *refs[COUNT];
    const void *at[COUNT];
    size_t sizes[COUNT];
    struct hayi_value value;
    struct hayi_value element;
    struct hayi_args_size size;
    unsigned char bytes[64];
    struct hayi_buffer results;
    hayi_buffer_init(&results);
    for (int i = 0; i < COUNT; i++) {
        double d = i;
        futures[i] = (hay_future *)(void *)&err;
        (void)hayi_value_append(&results, HAY_DOUBLE, &d, 8, &err);
    }
    for (size_t i = 0; i < COUNT; i++) {
        at[i] = results.data + 24 * i;
        sizes[i] = 24;
    }
    hay_arg list = {
        .kind = HAYI_KIND_REFS, .count = COUNT, .u.futures = futures};
    hay_args args = {&list, 1};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_OK);
    CU_ASSERT_FATAL(size.bytes <= sizeof(bytes));
    hayi_args_write(args, bytes, refs);
    CU_ASSERT_EQUAL(hayi_args_fill(bytes, size.bytes, at, sizes, &buffer, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_args_check(buffer.data, buffer.size, &err), HAY_OK);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 0, &value));
    for (size_t i = 0; i < COUNT; i++) {
        double d = -1;
        CU_ASSERT_TRUE(hayi_list_get(&value, i, &element));
        memcpy(&d, element.data, 8);
        CU_ASSERT_EQUAL(d, (double)i);
    }
    hayi_buffer_fini(&results);
}

static void filled_arguments_above_the_limit_are_refused(void)
{
    struct hayi_args_size size;
    hay_future *refs[3];
    struct hayi_buffer results;
    unsigned char *bytes = blob(&size, refs);
    hayi_buffer_init(&results);
    (void)hayi_value_append(&results, HAY_BYTES, NULL, HAY_VALUE_MAX, &err);
    const void *at[3] = {results.data, results.data, results.data};
    const size_t sizes[3] = {results.size, results.size, results.size};
    CU_ASSERT_EQUAL(hayi_args_fill(bytes, size.bytes, at, sizes, &buffer, &err),
                    HAY_ETOOBIG);
    CU_ASSERT_EQUAL(buffer.size, 0);
    hayi_buffer_fini(&results);
    free(bytes);
}

static void wrong_arguments_are_refused_with_their_place(void)
{
    struct hayi_args_size size;
    hay_arg list[2] = {{.kind = HAY_DOUBLE}, {.kind = 77}};
    hay_args args = {list, 2};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "argument 1"));
    list[1] = arg(HAY_STRING, NULL, 0);
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    list[1] = arg(HAY_BYTES, NULL, 4);
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    list[1] = (hay_arg){.kind = HAYI_KIND_REF};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    list[1] = (hay_arg){.kind = HAYI_KIND_REFS, .count = 1};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    list[1] = arg(HAY_BYTES, "x", HAY_VALUE_MAX + 1);
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_ETOOBIG);
    args.list = NULL;
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
    args.count = 0;
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_OK);
    CU_ASSERT_EQUAL(size.bytes, 8);
}

static void one_argument_of_the_largest_size_is_fine(void)
{
    struct hayi_args_size size;
    char *data = malloc(HAY_VALUE_MAX);
    hay_arg list[1] = {arg(HAY_BYTES, data, HAY_VALUE_MAX)};
    hay_args args = {list, 1};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_OK);
    CU_ASSERT(size.bytes <= HAYI_ARGS_MAX);
    free(data);
}

static CU_TestInfo tests[] = {
    {"scalars_come_back", scalars_come_back},
    {"arrays_come_back_with_their_shape", arrays_come_back_with_their_shape},
    {"arrays_that_cannot_be_are_refused", arrays_that_cannot_be_are_refused},
    {"values_above_the_limit_are_refused", values_above_the_limit_are_refused},
    {"damaged_values_never_lead_outside", damaged_values_never_lead_outside},
    {"strings_must_end", strings_must_end},
    {"places_are_filled_with_results", places_are_filled_with_results},
    {"even_lists_are_found_by_index", even_lists_are_found_by_index},
    {"filled_arguments_above_the_limit_are_refused",
     filled_arguments_above_the_limit_are_refused},
    {"wrong_arguments_are_refused_with_their_place",
     wrong_arguments_are_refused_with_their_place},
    {"one_argument_of_the_largest_size_is_fine",
     one_argument_of_the_largest_size_is_fine},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"wire/value", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
