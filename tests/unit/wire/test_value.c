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
        hayi_value_append(&buffer, HAY_BYTES, NULL, HAY_ARGS_MAX, &err),
        HAY_OK);
    CU_ASSERT_EQUAL(
        hayi_value_append(&buffer, HAY_BYTES, NULL, HAY_ARGS_MAX + 1, &err),
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

static void objects_are_described_without_their_data(void)
{
    const hay_array_view shape = {.dtype = HAY_F64, .ndim = 2, .shape = {3, 5}};
    struct hayi_object_value object = {.object = 7, .place = 9, .size = 120};
    struct hayi_value value;
    size_t used = 0;
    CU_ASSERT_EQUAL(
        hayi_value_append_object(&buffer, HAY_ARRAY, &shape, &object), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_read(buffer.data, buffer.size, &value, &used, &err), HAY_OK);
    CU_ASSERT(value.is_object && value.type == HAY_ARRAY);
    CU_ASSERT(value.object.object == 7 && value.object.place == 9);
    CU_ASSERT(value.array.shape[0] == 3 && value.array.shape[1] == 5);
    CU_ASSERT(value.array.stride[0] == 40 && value.array.stride[1] == 8);
    CU_ASSERT(value.size == 120 && value.data == NULL);
    CU_ASSERT_EQUAL(used, buffer.size);
    object.size = 121; /* not what its shape needs */
    buffer.size = 0;
    (void)hayi_value_append_object(&buffer, HAY_ARRAY, &shape, &object);
    CU_ASSERT_EQUAL(
        hayi_value_read(buffer.data, buffer.size, &value, &used, &err),
        HAY_ETYPE);
    buffer.size = 0;
    (void)hayi_value_append_object(&buffer, HAY_DOUBLE, NULL, &object);
    CU_ASSERT_EQUAL(
        hayi_value_read(buffer.data, buffer.size, &value, &used, &err),
        HAY_ETYPE);
}

static CU_TestInfo tests[] = {
    {"scalars_come_back", scalars_come_back},
    {"arrays_come_back_with_their_shape", arrays_come_back_with_their_shape},
    {"arrays_that_cannot_be_are_refused", arrays_that_cannot_be_are_refused},
    {"values_above_the_limit_are_refused", values_above_the_limit_are_refused},
    {"damaged_values_never_lead_outside", damaged_values_never_lead_outside},
    {"strings_must_end", strings_must_end},
    {"objects_are_described_without_their_data",
     objects_are_described_without_their_data},
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
