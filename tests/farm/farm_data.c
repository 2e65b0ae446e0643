/* farm_data.c - objects in a real farm: the same program in one process and
 * under mpirun.  Prints 'ok NAME', 'skip NAME reason' or 'not ok NAME: line'.
 * Looks into the node's store, which must be empty when nothing is held. */
#include "config.h"

#include "client/executor.h"
#include "data/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static int failures;
static int wrong_line;      /* of the running test; 0: none */
static const char *skipped; /* why the running test cannot be run */

/* The first wrong line counts; the test ends there. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            wrong_line = __LINE__;                                             \
            return;                                                            \
        }                                                                      \
    } while (0)

static hay_executor *ex;
static const char *folder = "."; /* for files */
static const uint64_t limit_ns = 120 * UINT64_C(1000000000);

static uint64_t sum_of(const void *data, size_t size)
{
    const unsigned char *at = data;
    uint64_t sum = 0;
    uint64_t word = 0;
    for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum += word;
    }
    return sum;
}

static void pattern(void *data, size_t size, uint64_t seed)
{
    uint64_t *words = data;
    for (size_t i = 0; i < size / sizeof(*words); i++) {
        words[i] = seed * UINT64_C(0x9E3779B97F4A7C15) + i;
    }
}

/* ---- tasks -----------------------------------------------------------------
 */

HAY_TASK(sum_bytes)
{
    const void *data;
    size_t size;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    return hay_return_int64(task, (int64_t)sum_of(data, size));
}

HAY_TASK(sum_lists)
{
    uint64_t sum = 0;
    size_t count;
    HAY_TRY(hay_arg_list(task, 0, &count));
    for (size_t i = 0; i < count; i++) {
        const void *data;
        size_t size;
        HAY_TRY(hay_arg_list_bytes(task, 0, i, &data, &size));
        sum += sum_of(data, size);
    }
    return hay_return_int64(task, (int64_t)sum);
}

/* size, seed: bytes made in place. */
HAY_TASK(make_bytes)
{
    int64_t size;
    int64_t seed;
    void *data;
    HAY_TRY(hay_arg_int64(task, 0, &size));
    HAY_TRY(hay_arg_int64(task, 1, &seed));
    HAY_TRY(hay_return_alloc(task, (size_t)size, &data));
    pattern(data, (size_t)size, (uint64_t)seed);
    return HAY_OK;
}

/* rows: a float64 array [rows][3] of 0, 1, 2, ... */
HAY_TASK(make_array)
{
    int64_t rows;
    void *data;
    HAY_TRY(hay_arg_int64(task, 0, &rows));
    const uint64_t shape[2] = {(uint64_t)rows, 3};
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, shape, &data));
    for (size_t i = 0; i < 3 * (size_t)rows; i++) {
        ((double *)data)[i] = (double)i;
    }
    return HAY_OK;
}

HAY_TASK(hand_on)
{
    return hay_return_arg(task, 0);
}

/* Three results: a number, bytes of that seed, a text. */
HAY_TASK(three_results)
{
    int64_t seed;
    void *data;
    HAY_TRY(hay_arg_int64(task, 0, &seed));
    HAY_TRY(hay_return_count(task, 3));
    HAY_TRY(hay_return_int64(task, seed));
    HAY_TRY(hay_return_select(task, 1));
    HAY_TRY(hay_return_alloc(task, MIB, &data));
    pattern(data, MIB, (uint64_t)seed);
    HAY_TRY(hay_return_select(task, 2));
    return hay_return_string(task, "third");
}

HAY_TASK(fails_after_alloc)
{
    void *data;
    HAY_TRY(hay_return_alloc(task, MIB, &data));
    return hay_task_fail(task, 7, "no use of it");
}

/* ---- helpers ---------------------------------------------------------------
 */

static uint64_t expected(size_t size, uint64_t seed)
{
    void *data = malloc(size);
    uint64_t sum = 0;
    if (data != NULL) {
        pattern(data, size, seed);
        sum = sum_of(data, size);
        free(data);
    }
    return sum;
}

static bool make(size_t size, uint64_t seed, hay_future **future)
{
    return hay_submit(
               ex,
               make_bytes,
               HAY_ARGS(hay_int64((int64_t)size), hay_int64((int64_t)seed)),
               NULL,
               future)
           == HAY_OK;
}

/* The sum of a future's bytes by a task. */
static bool sum_by_task(hay_arg arg, uint64_t *sum)
{
    hay_future *f = NULL;
    int64_t value = 0;
    hay_status st = hay_submit(ex, sum_bytes, HAY_ARGS(arg), NULL, &f);
    if (st == HAY_OK) {
        st = hay_result_int64(f, limit_ns, &value);
    }
    hay_future_release(f);
    *sum = (uint64_t)value;
    return st == HAY_OK;
}

/* The manager and the workers have heard of all releases when nothing is left;
 * each round is a task's way there and back. */
static bool store_is_empty(void)
{
    struct hayi_store_usage usage = {.object_count = 1};
    for (int round = 0; round < 100000 && usage.object_count > 0; round++) {
        hay_future *f = NULL;
        int64_t value;
        if (hay_submit(ex, sum_bytes, HAY_ARGS(hay_bytes("", 0)), NULL, &f)
                != HAY_OK
            || hay_result_int64(f, limit_ns, &value) != HAY_OK) {
            return false;
        }
        hay_future_release(f);
        hayi_store_get_usage(ex->store, &usage);
    }
    return usage.object_count == 0 && usage.used_bytes == 0
           && usage.spilled_bytes == 0;
}

/* ---- tests -----------------------------------------------------------------
 */

static void a_put_is_used_by_a_hundred_tasks(void)
{
    enum { TASKS = 100 };
    hay_future *put = NULL;
    hay_future *tasks[TASKS];
    void *data = malloc(8 * MIB);
    CHECK(data != NULL);
    pattern(data, 8 * MIB, 5);
    CHECK(hay_put(ex, hay_bytes(data, 8 * MIB), &put) == HAY_OK);
    for (int i = 0; i < TASKS; i++) {
        CHECK(hay_submit(ex, sum_bytes, HAY_ARGS(hay_ref(put)), NULL, &tasks[i])
              == HAY_OK);
    }
    hay_future_release(put);
    for (int i = 0; i < TASKS; i++) {
        int64_t sum = 0;
        CHECK(hay_result_int64(tasks[i], limit_ns, &sum) == HAY_OK);
        CHECK((uint64_t)sum == sum_of(data, 8 * MIB));
        hay_future_release(tasks[i]);
    }
    free(data);
}

static void a_result_of_100_mib_is_read_in_place(void)
{
    hay_future *f = NULL;
    hay_future *same = NULL;
    const void *data = NULL;
    size_t size = 0;
    uint64_t sum = 0;
    CHECK(make(100 * MIB, 3, &f));
    CHECK(hay_result_bytes(f, limit_ns, &data, &size) == HAY_OK);
    CHECK(size == 100 * MIB);
    CHECK(sum_of(data, size) == expected(size, 3));
    CHECK(sum_by_task(hay_ref(f), &sum) && sum == expected(size, 3));
    CHECK(hay_submit(ex, hand_on, HAY_ARGS(hay_ref(f)), NULL, &same) == HAY_OK);
    hay_future_release(f);
    CHECK(hay_result_bytes(same, limit_ns, &data, &size) == HAY_OK);
    CHECK(size == 100 * MIB && sum_of(data, size) == expected(size, 3));
    hay_future_release(same);
}

static void an_object_is_used_by_a_thousand_tasks(void)
{
    enum { TASKS = 1000 };
    static hay_future *tasks[TASKS];
    hay_future *f = NULL;
    uint64_t right = expected(MIB / 4, 11);
    CHECK(make(MIB / 4, 11, &f));
    for (int i = 0; i < TASKS; i++) {
        CHECK(hay_submit(ex, sum_bytes, HAY_ARGS(hay_ref(f)), NULL, &tasks[i])
              == HAY_OK);
    }
    hay_future_release(f);
    for (int i = 0; i < TASKS; i++) {
        int64_t sum = 0;
        CHECK(hay_result_int64(tasks[i], limit_ns, &sum) == HAY_OK);
        CHECK((uint64_t)sum == right);
        hay_future_release(tasks[i]);
    }
}

static void a_hundred_thousand_small_objects(void)
{
    enum { OBJECTS = 100000, SIZE = 1024, PART = 1000 };
    static hay_future *futures[OBJECTS];
    static unsigned char data[SIZE];
    uint64_t right = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        pattern(data, SIZE, i);
        right += sum_of(data, SIZE);
        CHECK(hay_put(ex, hay_bytes(data, SIZE), &futures[i]) == HAY_OK);
    }
    for (size_t i = 0; i < OBJECTS; i += PART) {
        hay_future *f = NULL;
        int64_t part = 0;
        CHECK(
            hay_submit(
                ex, sum_lists, HAY_ARGS(hay_refs(&futures[i], PART)), NULL, &f)
            == HAY_OK);
        CHECK(hay_result_int64(f, limit_ns, &part) == HAY_OK);
        sum += (uint64_t)part;
        hay_future_release(f);
    }
    CHECK(sum == right);
    for (size_t i = 0; i < OBJECTS; i++) {
        hay_future_release(futures[i]);
    }
}

static void many_objects_of_a_node_store(void)
{
    enum { OBJECTS = 5000, SIZE = 17 << 10 };
    static hay_future *futures[OBJECTS];
    uint64_t sum = 0;
    uint64_t right = 0;
    hay_future *f = NULL;
    int64_t value = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        right += expected(SIZE, i);
        CHECK(make(SIZE, i, &futures[i]));
    }
    CHECK(hay_submit(
              ex, sum_lists, HAY_ARGS(hay_refs(futures, OBJECTS)), NULL, &f)
          == HAY_OK);
    CHECK(hay_result_int64(f, limit_ns, &value) == HAY_OK);
    sum = (uint64_t)value;
    CHECK(sum == right);
    hay_future_release(f);
    for (size_t i = 0; i < OBJECTS; i++) {
        hay_future_release(futures[i]);
    }
}

static void futures_are_released_while_tasks_are_under_way(void)
{
    enum { ROUNDS = 300 };
    for (uint64_t i = 0; i < ROUNDS; i++) {
        hay_future *f = NULL;
        hay_future *user = NULL;
        CHECK(make(MIB / 8, i, &f));
        CHECK(hay_submit(ex, hand_on, HAY_ARGS(hay_ref(f)), NULL, &user)
              == HAY_OK);
        if (i % 3 == 0) {
            CHECK(hay_future_wait(f, limit_ns) == HAY_OK);
        }
        hay_future_release(f);
        if (i % 3 == 1) {
            const void *data;
            size_t size;
            (void)hay_result_bytes(user, 0, &data, &size);
        }
        hay_future_release(user);
    }
}

static void failed_tasks_leave_nothing(void)
{
    hay_future *f = NULL;
    const void *data = NULL;
    size_t size = 0;
    CHECK(hay_submit(ex, fails_after_alloc, HAY_NO_ARGS, NULL, &f) == HAY_OK);
    CHECK(hay_result_bytes(f, limit_ns, &data, &size) == HAY_ETASK);
    CHECK(strstr(hay_error_text(), "no use of it") != NULL);
    hay_future_release(f);
}

static void several_results_are_had_one_by_one(void)
{
    hay_future *f = NULL;
    hay_value value;
    uint64_t sum = 0;
    hay_future *text = NULL;
    const char *words = NULL;
    CHECK(hay_submit(ex, three_results, HAY_ARGS(hay_int64(9)), NULL, &f)
          == HAY_OK);
    CHECK(hay_result_at(f, 0, limit_ns, &value) == HAY_OK);
    CHECK(value.type == HAY_INT64 && value.integer == 9);
    CHECK(hay_result_at(f, 1, limit_ns, &value) == HAY_OK);
    CHECK(value.type == HAY_BYTES && value.size_bytes == MIB);
    CHECK(sum_of(value.data, value.size_bytes) == expected(MIB, 9));
    CHECK(hay_result_at(f, 3, limit_ns, &value) == HAY_EINVAL);
    CHECK(sum_by_task(hay_ref_at(f, 1), &sum) && sum == expected(MIB, 9));
    CHECK(hay_submit(ex, hand_on, HAY_ARGS(hay_ref_at(f, 2)), NULL, &text)
          == HAY_OK);
    CHECK(hay_result_string(text, limit_ns, &words) == HAY_OK);
    CHECK(strcmp(words, "third") == 0);
    hay_future_release(text);
    hay_future_release(f);
}

static void large_arguments_arrive(void)
{
    size_t size = 20 * MIB;
    void *data = malloc(size);
    uint64_t sum = 0;
    CHECK(data != NULL);
    pattern(data, size, 21);
    CHECK(sum_by_task(hay_bytes(data, size), &sum));
    CHECK(sum == sum_of(data, size));
    free(data);
}

static void three_gib_pass(void)
{
    size_t size = (size_t)3 << 30;
    long pages = sysconf(_SC_AVPHYS_PAGES);
    hay_future *f = NULL;
    const void *found = NULL;
    size_t found_size = 0;
    uint64_t sum = 0;
    if ((uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) < (uint64_t)12
                                                                << 30) {
        skipped = "less than 12 GiB of memory are free";
        return;
    }
    void *data = malloc(size);
    CHECK(data != NULL);
    pattern(data, size, 33);
    sum = sum_of(data, size);
    CHECK(hay_submit(ex, hand_on, HAY_ARGS(hay_bytes(data, size)), NULL, &f)
          == HAY_OK);
    free(data);
    CHECK(hay_result_bytes(f, limit_ns, &found, &found_size) == HAY_OK);
    CHECK(found_size == size && sum_of(found, size) == sum);
    hay_future_release(f);
    CHECK(make(size, 33, &f));
    CHECK(hay_result_bytes(f, limit_ns, &found, &found_size) == HAY_OK);
    CHECK(found_size == size && sum_of(found, size) == sum);
    hay_future_release(f);
}

static void scattered_values_are_everywhere(void)
{
    enum { VALUES = 40 };
    hay_arg values[VALUES];
    hay_future *futures[VALUES];
    void *data = malloc(VALUES * MIB);
    CHECK(data != NULL);
    for (size_t i = 0; i < VALUES; i++) {
        char *own = (char *)data + i * MIB;
        pattern(own, MIB, i);
        values[i] = hay_bytes(own, MIB);
    }
    CHECK(hay_scatter(ex, values, VALUES, futures) == HAY_OK);
    CHECK(hay_replicate(futures, VALUES / 2, 0, limit_ns) == HAY_OK);
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t sum = 0;
        CHECK(sum_by_task(hay_ref(futures[i]), &sum));
        CHECK(sum == sum_of((char *)data + i * MIB, MIB));
    }
    for (size_t i = 0; i < VALUES; i++) {
        const void *found = NULL;
        size_t size = 0;
        CHECK(hay_result_bytes(futures[i], limit_ns, &found, &size) == HAY_OK);
        CHECK(memcmp(found, (char *)data + i * MIB, MIB) == 0);
        hay_future_release(futures[i]);
    }
    free(data);
}

static void results_are_persisted(void)
{
    static const char *const names[] = {"array", "group/three", "put", "text"};
    hay_future *f[4] = {NULL, NULL, NULL, NULL};
    hay_future *file = NULL;
    char path[1000];
    (void)snprintf(path, sizeof(path), "%s/results.h5", folder);
    CHECK(hay_submit(ex, make_array, HAY_ARGS(hay_int64(5000)), NULL, &f[0])
          == HAY_OK);
    CHECK(hay_submit(ex, three_results, HAY_ARGS(hay_int64(4)), NULL, &f[1])
          == HAY_OK);
    CHECK(hay_put(ex, hay_double(2.5), &f[2]) == HAY_OK);
    CHECK(hay_put(ex, hay_string("a text"), &f[3]) == HAY_OK);
    CHECK(hay_persist(ex, f, names, 4, path, &file) == HAY_OK);
    for (int i = 0; i < 4; i++) {
        hay_future_release(f[i]);
    }
    CHECK(hay_future_wait(file, limit_ns) == HAY_OK);
    hay_outcome outcome = {.size = sizeof(outcome)};
    CHECK(hay_future_outcome(file, &outcome) == HAY_OK);
    if (outcome.state != HAY_FINISHED) {
        (void)fprintf(stderr, "%s\n", outcome.reason);
    }
    CHECK(outcome.state == HAY_FINISHED);
    CHECK(access(path, R_OK) == 0);
    hay_future_release(file);
}

static void more_than_ten_thousand_results_are_persisted(void)
{
    enum { RESULTS = 11000 };
    static hay_future *futures[RESULTS];
    hay_future *file = NULL;
    char path[1000];
    (void)snprintf(path, sizeof(path), "%s/many.h5", folder);
    for (int64_t i = 0; i < RESULTS; i++) {
        CHECK(hay_put(ex, hay_int64(i), &futures[i]) == HAY_OK);
    }
    CHECK(hay_persist(ex, futures, NULL, RESULTS, path, &file) == HAY_OK);
    CHECK(hay_future_wait(file, limit_ns) == HAY_OK);
    CHECK(hay_future_state(file) == HAY_FINISHED);
    hay_future_release(file);
    for (int64_t i = 0; i < RESULTS; i++) {
        hay_future_release(futures[i]);
    }
}

static void what_cannot_be_persisted_leaves_no_file(void)
{
    hay_future *f[2] = {NULL, NULL};
    hay_future *file = NULL;
    hay_value value;
    char path[1000];
    char part[1010];
    (void)snprintf(path, sizeof(path), "%s/broken.h5", folder);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    CHECK(make(MIB, 2, &f[0]));
    CHECK(hay_submit(ex, fails_after_alloc, HAY_NO_ARGS, NULL, &f[1])
          == HAY_OK);
    CHECK(hay_persist(ex, f, NULL, 2, path, &file) == HAY_OK);
    CHECK(hay_result_value(file, limit_ns, &value) == HAY_EDEPENDENCY);
    CHECK(strstr(hay_error_text(), "no use of it") != NULL);
    CHECK(access(path, F_OK) != 0 && access(part, F_OK) != 0);
    hay_future_release(file);
    CHECK(hay_persist(ex, f, NULL, 1, "/nowhere/at/all.h5", &file) == HAY_OK);
    CHECK(hay_result_value(file, limit_ns, &value) == HAY_EDEPENDENCY);
    CHECK(strstr(hay_error_text(), "/nowhere/at") != NULL);
    hay_future_release(file);
    static const char *const twice[] = {"same", "same"};
    CHECK(hay_persist(ex, f, twice, 0, path, &file) == HAY_EINVAL);
    CHECK(hay_persist(ex, f, twice, 1, "", &file) == HAY_EINVAL);
    hay_future_release(f[0]);
    hay_future_release(f[1]);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(a_put_is_used_by_a_hundred_tasks),
    TEST(a_result_of_100_mib_is_read_in_place),
    TEST(an_object_is_used_by_a_thousand_tasks),
    TEST(a_hundred_thousand_small_objects),
    TEST(many_objects_of_a_node_store),
    TEST(futures_are_released_while_tasks_are_under_way),
    TEST(failed_tasks_leave_nothing),
    TEST(several_results_are_had_one_by_one),
    TEST(large_arguments_arrive),
    TEST(three_gib_pass),
    TEST(scattered_values_are_everywhere),
    TEST(results_are_persisted),
    TEST(more_than_ten_thousand_results_are_persisted),
    TEST(what_cannot_be_persisted_leaves_no_file),
};

static void run_one(const char *name, void (*run)(void))
{
    wrong_line = 0;
    skipped = NULL;
    run();
    if (wrong_line == 0 && !store_is_empty()) {
        wrong_line = __LINE__;
    }
    if (wrong_line != 0) {
        failures++;
        (void)printf(
            "not ok %s: line %d: %s\n", name, wrong_line, hay_error_text());
    } else if (skipped != NULL) {
        (void)printf("skip %s %s\n", name, skipped);
    } else {
        (void)printf("ok %s\n", name);
    }
    (void)fflush(stdout);
}

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    ex = executor;
    folder = argc > 1 ? argv[1] : folder;
    HAY_TRY(hay_executor_wait_workers(ex, limit_ns));
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc <= 2 || strcmp(argv[2], tests[i].name) == 0) {
            run_one(tests[i].name, tests[i].run);
        }
    }
    return HAY_OK;
}

int main(int argc, char **argv)
{
    int status = hay_main(argc, argv, farm);
    return status != 0 ? status : failures > 0;
}
