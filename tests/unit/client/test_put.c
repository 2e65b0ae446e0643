/* test_put.c - values of the caller's as futures, large ones as objects, by
 * hay_put() and as arguments. */
#include "config.h"

#include "data/store.h"
#include "fake_manager.h"
#include "support/unit.h"
#include "wire/args.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 17 };

HAY_TASK(use)
{
    return HAY_OK;
}

static struct fake fake;
static char large[SIZE];

static void setup(void)
{
    fake_open(&fake, NULL, false);
    fake_open_store(&fake, 4u << 20);
    memset(large, 'v', sizeof(large) - 1);
}

static void teardown(void)
{
    fake_close(&fake);
}

static void small_values_are_inside_the_future(void)
{
    hay_future *f = NULL;
    hay_future *s = NULL;
    double number = 0;
    const char *text = NULL;
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_double(1.5), &f), HAY_OK);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_string("few"), &s), HAY_OK);
    CU_ASSERT_EQUAL(fake.puts, 2);
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &number), HAY_OK);
    CU_ASSERT_EQUAL(number, 1.5);
    CU_ASSERT_EQUAL(hay_result_string(s, 0, &text), HAY_OK);
    CU_ASSERT_STRING_EQUAL(text, "few");
    CU_ASSERT_EQUAL(hay_result_string(f, 0, &text), HAY_ETYPE);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "put 1"));
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->unfinished), 0);
    hay_future_release(f);
    hay_future_release(s);
    CU_ASSERT_EQUAL(fake.releases, 0);
}

static void large_values_lie_in_the_store(void)
{
    static const uint64_t shape[2] = {SIZE / 8, 2};
    hay_future *b = NULL;
    hay_future *a = NULL;
    hay_array_view view;
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_bytes(large, SIZE), &b), HAY_OK);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_array(HAY_F32, 2, shape, large), &a),
                    HAY_OK);
    CU_ASSERT(fake_used(&fake) >= 2 * SIZE);
    CU_ASSERT_EQUAL(hay_result_bytes(b, 0, &data, &size), HAY_OK);
    CU_ASSERT(size == SIZE && memcmp(data, large, SIZE) == 0);
    CU_ASSERT_EQUAL(hay_result_array(a, 0, &view), HAY_OK);
    CU_ASSERT(view.dtype == HAY_F32 && view.shape[0] == SIZE / 8);
    CU_ASSERT(view.stride[0] == 8 && view.stride[1] == 4);
    CU_ASSERT_EQUAL(memcmp(view.data, large, SIZE), 0);
    hay_future_release(a);
    hay_future_release(b);
    CU_ASSERT_EQUAL(fake.releases, 2);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void what_is_no_value_is_refused(void)
{
    hay_future *f = NULL;
    hay_future *g = NULL;
    uint64_t shape[1] = {UINT64_MAX};
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_int64(7), &f), HAY_OK);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_ref(f), &g), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_refs(&f, 1), &g), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "no value"));
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_string(NULL), &g), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_bytes(NULL, 9), &g), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_array(HAY_F64, 1, shape, large), &g),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_put(NULL, hay_int64(7), &g), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_int64(7), NULL), HAY_EINVAL);
    CU_ASSERT_PTR_NULL(g);
    hay_future_release(f);
}

static void no_room_is_told_and_leaves_nothing(void)
{
    static const uint64_t shape[1] = {8u << 20};
    hay_future *f = NULL;
    void *data = calloc(1, 8u << 20);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_array(HAY_U8, 1, shape, data), &f),
                    HAY_EIO);
    CU_ASSERT(strlen(hay_error_text()) > 10);
    CU_ASSERT_EQUAL(
        hay_submit(fake.ex,
                   use,
                   HAY_ARGS(hay_bytes(large, SIZE), hay_bytes(data, 8u << 20)),
                   NULL,
                   &f),
        HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "argument 1: "));
    CU_ASSERT_PTR_NULL(f);
    CU_ASSERT_EQUAL(fake.submits, 0);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
    free(data);
}

static void large_arguments_become_objects(void)
{
    hay_future *f = NULL;
    struct hayi_value value;
    CU_ASSERT_EQUAL(hay_submit(fake.ex,
                               use,
                               HAY_ARGS(hay_int64(3),
                                        hay_bytes(large, SIZE),
                                        hay_bytes(large, HAY_INLINE_MAX),
                                        hay_string(large)),
                               NULL,
                               &f),
                    HAY_OK);
    const struct hayi_spec *spec = f->spec;
    CU_ASSERT_EQUAL(fake.puts, 2);
    CU_ASSERT_EQUAL(spec->dep_count, 2);
    CU_ASSERT_EQUAL(spec->arg_dep_count, 2);
    CU_ASSERT(spec->args_size < 2 * HAY_INLINE_MAX);
    CU_ASSERT_TRUE(hayi_args_get(hayi_spec_args(spec), 2, &value));
    CU_ASSERT(value.type == HAY_BYTES && value.size == HAY_INLINE_MAX);
    const hay_future *text = hayi_spec_deps(spec)[1];
    CU_ASSERT_EQUAL(hay_result_type((hay_future *)(uintptr_t)text), HAY_STRING);
    CU_ASSERT(fake_used(&fake) >= 2 * SIZE);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(fake.releases, 2);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
    hay_future_release(f);
}

static void puts_after_the_end_leave_nothing(void)
{
    hay_future *f = NULL;
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_bytes(large, SIZE), &f), HAY_ECLOSED);
    CU_ASSERT_PTR_NULL(f);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

/* It was on its way when the manager ended. */
static void a_refused_put_leaves_nothing(void)
{
    hay_future *f = NULL;
    const void *data = NULL;
    size_t size = 0;
    fake.refuse_puts = true;
    CU_ASSERT_EQUAL(hay_put(fake.ex, hay_bytes(large, SIZE), &f), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_CANCELLED);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ECANCELLED);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
    hay_future_release(f);
}

/* The keys of two tasks with as many puts between them. */
static void keys(hay_executor *ex, int puts, uint64_t key[2])
{
    for (int i = 0; i < 2; i++) {
        hay_future *f = NULL;
        CU_ASSERT_EQUAL_FATAL(hay_submit_fake(ex, 0, 0, NULL, &f), HAY_OK);
        key[i] = f->spec->stream_key;
        hay_future_release(f);
        for (int k = 0; k < puts; k++) {
            CU_ASSERT_EQUAL(hay_put(ex, hay_int64(1), &f), HAY_OK);
            hay_future_release(f);
        }
    }
}

static void puts_take_no_place_in_the_order_of_streams(void)
{
    struct fake other;
    uint64_t with[2];
    uint64_t without[2];
    fake_open(&other, NULL, false);
    keys(fake.ex, 3, with);
    keys(other.ex, 0, without);
    CU_ASSERT_EQUAL(with[0], without[0]);
    CU_ASSERT_EQUAL(with[1], without[1]);
    CU_ASSERT_NOT_EQUAL(with[0], with[1]);
    fake_close(&other);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(small_values_are_inside_the_future),
    TEST(large_values_lie_in_the_store),
    TEST(what_is_no_value_is_refused),
    TEST(no_room_is_told_and_leaves_nothing),
    TEST(large_arguments_become_objects),
    TEST(puts_after_the_end_leave_nothing),
    TEST(a_refused_put_leaves_nothing),
    TEST(puts_take_no_place_in_the_order_of_streams),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/put", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
