/* test_args.c - the arguments of a submit as bytes, and how they are filled. */
#include "config.h"

#include "support/unit.h"
#include "wire/args.h"

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

static hay_status fill(const void *bytes,
                       const struct hayi_args_size *size,
                       const void *const *at,
                       const size_t *sizes)
{
    const struct hayi_results results = {.values = at, .sizes = sizes};
    return hayi_args_fill(bytes, size->bytes, &results, &buffer, &err);
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
    CU_ASSERT_EQUAL_FATAL(fill(bytes, &size, at, sizes), HAY_OK);
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
    CU_ASSERT_EQUAL(fill(bytes, &size, at, sizes), HAY_OK);
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
    (void)hayi_value_append(&results, HAY_BYTES, NULL, HAY_ARGS_MAX, &err);
    const void *at[3] = {results.data, results.data, results.data};
    const size_t sizes[3] = {results.size, results.size, results.size};
    CU_ASSERT_EQUAL(fill(bytes, &size, at, sizes), HAY_ETOOBIG);
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
    list[1] = arg(HAY_BYTES, "x", HAY_ARGS_MAX + 1);
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
    char *data = malloc(HAY_ARGS_MAX);
    hay_arg list[1] = {arg(HAY_BYTES, data, HAY_ARGS_MAX)};
    hay_args args = {list, 1};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_OK);
    CU_ASSERT(size.bytes <= HAYI_ARGS_MAX);
    free(data);
}

/* Object n is at place 100 + n. */
static uint64_t place_of(void *context, uint64_t object)
{
    return *(uint64_t *)context + object;
}

static void objects_get_their_place_and_parts_are_picked(void)
{
    struct hayi_args_size size;
    hay_future *refs[8];
    struct hayi_buffer result;
    struct hayi_value value;
    struct hayi_value element;
    uint64_t base = 100;
    const int64_t seven = 7;
    hay_future *future = (hay_future *)(void *)&err;
    const hay_arg inner[2] = {
        {.kind = HAY_INT64, .u.i = 3},
        {.kind = HAYI_KIND_REF, .count = 2, .u.future = future},
    };
    const hay_arg list[4] = {
        {.kind = HAYI_KIND_REF, .u.future = future},
        {.kind = HAYI_KIND_SHAPE, .count = 2, .u.future = future},
        {.kind = HAYI_KIND_REGION, .count = 2, .u.data = inner},
        {.kind = HAYI_KIND_REF, .count = 9, .u.future = future},
    };
    const hay_args args = {list, 4};
    CU_ASSERT_EQUAL_FATAL(hayi_args_measure(args, &size, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(size.refs, 4);
    unsigned char *bytes = malloc(size.bytes);
    hayi_args_write(args, bytes, refs);
    CU_ASSERT_TRUE(hayi_args_has_refs(bytes, size.bytes));

    /* The result is a list of an integer and an object. */
    hayi_buffer_init(&result);
    struct hayi_value_head head = {.type = HAY_LIST, .count = 2};
    const struct hayi_object_value object = {.object = 5, .size = 40000};
    (void)hayi_buffer_append(&result, &head, sizeof(head));
    (void)hayi_value_append(&result, HAY_INT64, &seven, 8, &err);
    (void)hayi_value_append_object(&result, HAY_BYTES, NULL, &object);
    head.size = result.size - sizeof(head);
    memcpy(result.data, &head, sizeof(head));
    const void *at[4] = {result.data, result.data, result.data, result.data};
    const size_t sizes[4] = {
        result.size, result.size, result.size, result.size};
    const struct hayi_results results = {at, sizes, place_of, &base};
    CU_ASSERT_EQUAL_FATAL(
        hayi_args_fill(bytes, size.bytes, &results, &buffer, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_args_check(buffer.data, buffer.size, &err),
                          HAY_OK);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 0, &value));
    CU_ASSERT_TRUE(hayi_list_get(&value, 1, &element));
    CU_ASSERT(element.is_object && element.object.place == 105);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 1, &value));
    CU_ASSERT(value.is_object && value.object.place == 0);
    CU_ASSERT_EQUAL(value.size, 40000);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 2, &value));
    CU_ASSERT_EQUAL((int)value.type, HAYI_KIND_REGION);
    CU_ASSERT_TRUE(hayi_list_get(&value, 0, &element));
    CU_ASSERT_EQUAL(element.type, HAY_INT64);
    CU_ASSERT_TRUE(hayi_list_get(&value, 1, &element));
    CU_ASSERT(element.is_object && element.object.place == 105);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 3, &value));
    CU_ASSERT_EQUAL(value.type, HAY_NONE); /* there is no ninth one */
    hayi_buffer_fini(&result);
    free(bytes);
}

/* Of values that travel inside of messages, too; and the first result of one is
 * that one. */
static void shapes_are_without_data(void)
{
    struct hayi_args_size size;
    hay_future *refs[8];
    struct hayi_buffer array, text, number;
    struct hayi_value value;
    static const double data[6] = {1, 2, 3, 4, 5, 6};
    static const uint64_t shape[2] = {3, 2};
    const int64_t seven = 7;
    hay_future *future = (hay_future *)(void *)&err;
    const hay_arg list[4] = {
        {.kind = HAYI_KIND_SHAPE, .u.future = future},
        {.kind = HAYI_KIND_SHAPE, .count = 1, .u.future = future},
        {.kind = HAYI_KIND_SHAPE, .u.future = future},
        {.kind = HAYI_KIND_REF, .count = 1, .u.future = future},
    };
    const hay_args args = {list, 4};
    CU_ASSERT_EQUAL_FATAL(hayi_args_measure(args, &size, &err), HAY_OK);
    unsigned char *bytes = malloc(size.bytes);
    hayi_args_write(args, bytes, refs);
    hayi_buffer_init(&array);
    hayi_buffer_init(&text);
    hayi_buffer_init(&number);
    (void)hayi_value_append_array(&array, HAY_F64, 2, shape, data, &err);
    (void)hayi_value_append(&text, HAY_STRING, "seven", 6, &err);
    (void)hayi_value_append(&number, HAY_INT64, &seven, 8, &err);
    const void *at[4] = {array.data, text.data, number.data, array.data};
    const size_t sizes[4] = {array.size, text.size, number.size, array.size};
    CU_ASSERT_EQUAL(fill(bytes, &size, at, sizes), HAY_OK);
    CU_ASSERT_EQUAL(hayi_args_check(buffer.data, buffer.size, &err), HAY_OK);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 0, &value));
    CU_ASSERT(value.is_object && value.type == HAY_ARRAY);
    CU_ASSERT(value.object.place == 0 && value.object.object == 0);
    CU_ASSERT(value.array.shape[0] == 3 && value.array.shape[1] == 2);
    CU_ASSERT_EQUAL(value.size, sizeof(data));
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 1, &value));
    CU_ASSERT(value.is_object && value.type == HAY_STRING && value.size == 6);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 2, &value));
    CU_ASSERT(!value.is_object && value.type == HAY_INT64);
    CU_ASSERT_TRUE(hayi_args_get(buffer.data, 3, &value));
    CU_ASSERT(!value.is_object && value.type == HAY_ARRAY);
    hayi_buffer_fini(&array);
    hayi_buffer_fini(&text);
    hayi_buffer_fini(&number);
    free(bytes);
}

static void a_group_in_a_group_is_refused(void)
{
    struct hayi_args_size size;
    const hay_arg number = {.kind = HAY_INT64};
    const hay_arg inner = {
        .kind = HAYI_KIND_REGION, .count = 1, .u.data = &number};
    const hay_arg outer = {
        .kind = HAYI_KIND_OUTPUT, .count = 1, .u.data = &inner};
    const hay_args args = {&outer, 1};
    CU_ASSERT_EQUAL(hayi_args_measure(args, &size, &err), HAY_EINVAL);
}

static CU_TestInfo tests[] = {
    {"places_are_filled_with_results", places_are_filled_with_results},
    {"even_lists_are_found_by_index", even_lists_are_found_by_index},
    {"filled_arguments_above_the_limit_are_refused",
     filled_arguments_above_the_limit_are_refused},
    {"wrong_arguments_are_refused_with_their_place",
     wrong_arguments_are_refused_with_their_place},
    {"one_argument_of_the_largest_size_is_fine",
     one_argument_of_the_largest_size_is_fine},
    {"objects_get_their_place_and_parts_are_picked",
     objects_get_their_place_and_parts_are_picked},
    {"shapes_are_without_data", shapes_are_without_data},
    {"a_group_in_a_group_is_refused", a_group_in_a_group_is_refused},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"wire/args", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
