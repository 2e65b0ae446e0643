/* test_objects.c - results that are objects: read in place, brought from
 * elsewhere, given back. */
#include "config.h"

#include "client/objects.h"
#include "client/result.h"
#include "fake_manager.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 16 };

static struct fake fake;

static void setup(void)
{
    fake_open(&fake, NULL, false);
    fake_open_store(&fake, 64u << 20);
}

static void teardown(void)
{
    fake_close(&fake);
}

static hay_future *submit(void)
{
    hay_future *f = NULL;
    CU_ASSERT_EQUAL_FATAL(hay_submit_fake(fake.ex, 0, 0, NULL, &f), HAY_OK);
    return f;
}

static hay_future *finished(hay_type type, uint64_t place)
{
    hay_future *f = submit();
    fake_finish_object(&fake, f, type, SIZE, place);
    return f;
}

static void a_large_result_is_read_where_it_lies(void)
{
    hay_future *f = finished(HAY_BYTES, fake_object(&fake, SIZE, 'x'));
    const void *data = NULL;
    const void *again = NULL;
    size_t size = 0;
    uint64_t used = fake_used(&fake);
    CU_ASSERT(used >= SIZE);
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_BYTES);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    CU_ASSERT(size == SIZE && ((const char *)data)[SIZE - 2] == 'x');
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &again, &size), HAY_OK);
    CU_ASSERT_PTR_EQUAL(data, again);
    CU_ASSERT_EQUAL(fake_used(&fake), used);
    CU_ASSERT_EQUAL(fake.wants, 0);
    hay_future_release(f);
}

static void arrays_have_strides_and_texts_an_end(void)
{
    hay_future *a = finished(HAY_ARRAY, fake_object(&fake, SIZE, 1));
    hay_future *s = finished(HAY_STRING, fake_object(&fake, SIZE, 's'));
    hay_array_view view;
    hay_value value;
    const char *text = NULL;
    double number;
    CU_ASSERT_EQUAL(hay_result_array(a, 0, &view), HAY_OK);
    CU_ASSERT(view.ndim == 2 && view.shape[0] == SIZE / 32);
    CU_ASSERT(view.stride[0] == 32 && view.stride[1] == 8);
    CU_ASSERT(view.data != NULL && view.size_bytes == SIZE);
    CU_ASSERT_EQUAL(hay_result_string(s, 0, &text), HAY_OK);
    CU_ASSERT_EQUAL(strlen(text), SIZE - 1);
    CU_ASSERT_EQUAL(hay_result_value(s, 0, &value), HAY_OK);
    CU_ASSERT_PTR_EQUAL(value.text, text);
    CU_ASSERT_EQUAL(value.size_bytes, SIZE - 1);
    CU_ASSERT_EQUAL(hay_result_double(s, 0, &number), HAY_ETYPE);
    hay_future_release(a);
    hay_future_release(s);
}

static void a_borrowed_array_is_pinned_until_it_is_returned(void)
{
    hayi_place place = fake_object(&fake, SIZE, 1);
    hay_future *a = finished(HAY_ARRAY, place);
    hay_future *s = finished(HAY_STRING, fake_object(&fake, SIZE, 's'));
    hay_array_view view, kept;
    hayi_place pinned = 7;
    CU_ASSERT_EQUAL(hayi_result_borrow_array(s, SIZE_MAX, 0, &view, &pinned),
                    HAY_ETYPE);
    CU_ASSERT_EQUAL(hayi_result_borrow_array(a, 1, 0, &view, &pinned),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(pinned, 7);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hayi_result_borrow_array(a, SIZE_MAX, 0, &view, &pinned), HAY_OK);
        CU_ASSERT_EQUAL(pinned, place);
        CU_ASSERT(view.ndim == 2 && view.size_bytes == SIZE);
        CU_ASSERT_EQUAL(((const char *)view.data)[0], 1);
        hayi_object_return(a, pinned);
    }
    /* What the user holds is not pinned once more. */
    CU_ASSERT_EQUAL(hay_result_array(a, 0, &kept), HAY_OK);
    CU_ASSERT_EQUAL(hayi_result_borrow_array(a, SIZE_MAX, 0, &view, &pinned),
                    HAY_OK);
    CU_ASSERT_EQUAL(pinned, 0);
    CU_ASSERT_PTR_EQUAL(view.data, kept.data);
    hayi_object_return(a, pinned);
    CU_ASSERT_EQUAL(((const char *)kept.data)[0], 1);
    hay_future_release(a);
    hay_future_release(s);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void the_last_count_goes_to_the_manager_without_pins(void)
{
    hay_future *f = finished(HAY_BYTES, fake_object(&fake, SIZE, 'x'));
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    (void)hay_future_retain(f);
    hay_future_release(f);
    CU_ASSERT_EQUAL(fake.releases, 0);
    hay_future_release(f);
    CU_ASSERT_EQUAL(fake.releases, 1);
    CU_ASSERT_EQUAL(fake_used(&fake), 0);
}

static void what_is_read_stays_readable_after_the_farm(void)
{
    hay_future *f = finished(HAY_BYTES, fake_object(&fake, SIZE, 'x'));
    hay_future *unread = finished(HAY_BYTES, fake_object(&fake, SIZE, 'y'));
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    fake_close(&fake);
    CU_ASSERT_EQUAL(((const char *)data)[0], 'x');
    CU_ASSERT_EQUAL(hay_result_bytes(unread, 0, &data, &size), HAY_OK);
    CU_ASSERT_EQUAL(((const char *)data)[0], 'y');
    hay_future_release(unread);
    hay_future_release(f);
    setup();
}

static void an_object_elsewhere_is_asked_for_once(void)
{
    hay_future *f = finished(HAY_BYTES, 0);
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_BYTES);
    CU_ASSERT_EQUAL(fake.wants, 0);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "task 1 is not here yet"));
    CU_ASSERT_EQUAL(hay_result_bytes(f, 1000, &data, &size), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.wants, 1);
    CU_ASSERT_EQUAL(fake.want->object_first, 0);
    CU_ASSERT_EQUAL(fake.want->object_count, 1);
    CU_ASSERT_EQUAL(fake.want->node, HAYI_NODE_CLIENT);
    fake_answer(&fake, fake_object(&fake, SIZE, 'z'));
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    CU_ASSERT_EQUAL(((const char *)data)[0], 'z');
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    CU_ASSERT_EQUAL(fake.wants, 1);
    hay_future_release(f);
}

static void a_vanished_object_is_asked_for_again(void)
{
    hayi_place place = fake_object(&fake, SIZE, 'a');
    hayi_place second = fake_object(&fake, SIZE, 'b');
    hay_future *f = finished(HAY_BYTES, place);
    const void *data = NULL;
    size_t size = 0;
    hayi_store_drop(fake.ex->store, place);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.wants, 1);
    hayi_store_drop(fake.ex->store, second);
    fake_answer(&fake, second);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.wants, 2);
    fake_answer(&fake, fake_object(&fake, SIZE, 'c'));
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    CU_ASSERT_EQUAL(((const char *)data)[0], 'c');
    hay_future_release(f);
}

static void a_lost_object_is_told_and_can_be_asked_for_again(void)
{
    hay_future *f = finished(HAY_BYTES, 0);
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    fake_answer(&fake, 0);
    CU_ASSERT_EQUAL(fake.wants, 1);
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.wants, 2);
    fake_answer(&fake, fake_object(&fake, SIZE, 'c'));
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_OK);
    hay_future_release(f);
}

static void where_it_may_not_wait_it_says_so(void)
{
    hay_future *f = finished(HAY_BYTES, 0);
    const void *data = NULL;
    size_t size = 0;
    hayi_thread_set_no_wait(true);
    CU_ASSERT_EQUAL(hay_result_bytes(f, HAY_FOREVER, &data, &size), HAY_EAGAIN);
    hayi_thread_set_no_wait(false);
    fake_answer(&fake, fake_object(&fake, SIZE, 'n'));
    hayi_thread_set_no_wait(true);
    CU_ASSERT_EQUAL(hay_result_bytes(f, HAY_FOREVER, &data, &size), HAY_OK);
    hayi_thread_set_no_wait(false);
    hay_future_release(f);
}

static void a_future_may_be_released_while_its_object_is_under_way(void)
{
    hay_future *f = finished(HAY_BYTES, 0);
    const void *data = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL(hay_result_bytes(f, 0, &data, &size), HAY_ETIMEDOUT);
    hay_future_release(f);
    CU_ASSERT_EQUAL(fake.releases, 0);
    fake_answer(&fake, fake_object(&fake, SIZE, 'r'));
    CU_ASSERT_EQUAL(fake.releases, 1);
}

static void of_several_results_the_one_asked_for_is_brought(void)
{
    uint64_t places[3] = {0, fake_object(&fake, SIZE, 'q'), 0};
    hay_future *f = submit();
    hay_value value;
    fake_finish_objects(&fake, f, SIZE, places, 3);
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_LIST);
    CU_ASSERT_EQUAL(hay_result_value(f, 0, &value), HAY_OK);
    CU_ASSERT(value.type == HAY_LIST && value.count == 3);
    CU_ASSERT_EQUAL(hay_result_at(f, 1, 0, &value), HAY_OK);
    CU_ASSERT(value.type == HAY_BYTES && value.size_bytes == SIZE);
    CU_ASSERT_EQUAL(((const char *)value.data)[0], 'q');
    CU_ASSERT_EQUAL(fake.wants, 0);
    CU_ASSERT_EQUAL(hay_result_at(f, 2, 0, &value), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.want->object_first, 2);
    CU_ASSERT_EQUAL(fake.want->object_count, 1);
    fake_answer(&fake, fake_object(&fake, SIZE, 't'));
    CU_ASSERT_EQUAL(hay_result_at(f, 2, 0, &value), HAY_OK);
    CU_ASSERT_EQUAL(((const char *)value.data)[0], 't');
    CU_ASSERT_EQUAL(hay_result_at(f, 3, 0, &value), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "3 results"));
    hay_future_release(f);
}

static void one_result_is_the_first_of_one(void)
{
    hay_future *f = submit();
    hay_value value;
    fake_finish_double(&fake, f, 2.5);
    CU_ASSERT_EQUAL(hay_result_at(f, 0, 0, &value), HAY_OK);
    CU_ASSERT(value.type == HAY_DOUBLE && value.number == 2.5);
    CU_ASSERT_EQUAL(hay_result_at(f, 1, 0, &value), HAY_EINVAL);
    hay_future_release(f);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(a_large_result_is_read_where_it_lies),
    TEST(arrays_have_strides_and_texts_an_end),
    TEST(a_borrowed_array_is_pinned_until_it_is_returned),
    TEST(the_last_count_goes_to_the_manager_without_pins),
    TEST(what_is_read_stays_readable_after_the_farm),
    TEST(an_object_elsewhere_is_asked_for_once),
    TEST(a_vanished_object_is_asked_for_again),
    TEST(a_lost_object_is_told_and_can_be_asked_for_again),
    TEST(where_it_may_not_wait_it_says_so),
    TEST(a_future_may_be_released_while_its_object_is_under_way),
    TEST(of_several_results_the_one_asked_for_is_brought),
    TEST(one_result_is_the_first_of_one),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/objects", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
