/* test_resources.c - requests under numbers, and whether they can be met. */
#include "config.h"

#include "client/resources.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct hayi_resources *resources;
static struct hayi_error err;

static void setup(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    options.resources = "licences=2 scratch=0.5";
    options.limits = "download=3";
    resources = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_resources_new(&options, &resources, &err),
                          HAY_OK);
}

static void teardown(void)
{
    hayi_resources_free(resources);
}

static uint32_t ask(const char *text, const char *category)
{
    const struct hayi_needs needs = {.cores = 2, .memory_bytes = 1 << 20};
    uint32_t request = UINT32_MAX;
    err.text[0] = 0;
    hay_status st = hayi_resources_request(
        resources, &needs, text, category, &request, &err);
    return st == HAY_OK ? request : UINT32_MAX;
}

static uint32_t number(const char *name)
{
    uint32_t n = UINT32_MAX;
    CU_ASSERT_EQUAL(
        hayi_resources_number(resources, name, strlen(name), &n, &err), HAY_OK);
    return n;
}

/* A worker with 4 cores and these. */
static void
join(uint32_t worker, uint32_t gpus, uint64_t licences, uint64_t scratch)
{
    const struct hayi_amount amounts[] = {
        {.resource = number("licences"), .units = licences},
        {.resource = number("scratch"), .units = scratch},
    };
    const struct hayi_capacity capacity = {
        .cores = 4,
        .gpus = gpus,
        .memory_bytes = UINT64_C(1) << 30,
        .amounts = amounts,
        .amount_count = 2,
    };
    CU_ASSERT_EQUAL(hayi_resources_joined(resources, worker, &capacity),
                    HAY_OK);
}

/* "" if it is feasible; else the words. */
static const char *verdict(const char *text, uint32_t worker)
{
    struct hayi_needs needs = {.cores = 2, .worker = worker};
    uint32_t request = 0;
    err.text[0] = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_resources_request(resources, &needs, text, NULL, &request, &err),
        HAY_OK);
    needs.request = request & (HAYI_REQUEST_MAX - 1);
    hay_status st = hayi_resources_feasible(resources, &needs, &err);
    CU_ASSERT(st == HAY_OK || st == HAY_EINFEASIBLE);
    return st == HAY_OK ? "" : err.text;
}

static void expect(const char *text, uint32_t worker, const char *words)
{
    const char *told = verdict(text, worker);
    if (strcmp(told, words) != 0) {
        (void)printf("# '%s': '%s', not '%s'\n", text, told, words);
    }
    CU_ASSERT_STRING_EQUAL(told, words);
}

static void plain_needs_are_no_request(void)
{
    CU_ASSERT_EQUAL(ask(NULL, NULL), 0);
    CU_ASSERT_EQUAL(ask("", "fit"), 0);
}

static void a_request_stands_over_the_needs(void)
{
    size_t count = 0;
    uint32_t request = ask("gpus=0.5 licences=2 | cores=all mem=2G", NULL);
    CU_ASSERT_FATAL(request != 0 && request != UINT32_MAX);
    const struct hayi_variant *v =
        hayi_resources_variants(resources, request, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL(v[0].cores, 2);
    CU_ASSERT_EQUAL(v[0].gpu_units, HAYI_AMOUNT_ONE / 2);
    CU_ASSERT_EQUAL(v[0].memory_bytes, 1 << 20);
    CU_ASSERT_EQUAL(v[0].amount_count, 1);
    CU_ASSERT_EQUAL(v[0].amounts[0].resource, number("licences"));
    CU_ASSERT_EQUAL(v[0].amounts[0].units, 2 * HAYI_AMOUNT_ONE);
    CU_ASSERT_EQUAL(v[1].cores, HAYI_CORES_ALL);
    CU_ASSERT_EQUAL(v[1].memory_bytes, UINT64_C(2) << 30);
    CU_ASSERT_STRING_EQUAL(hayi_resources_got(resources, request, 0),
                           "gpus=0.5 licences=2");
    CU_ASSERT_STRING_EQUAL(hayi_resources_got(resources, request, 1), "");
}

static void its_whole_text_says_the_same_of_any_needs(void)
{
    const struct hayi_needs other = {.cores = 7, .gpus = 3};
    const char *text = "gpus=0.5 licences=2 | cores=all mem=2G";
    uint32_t request = ask(text, "download");
    uint32_t again = 0;
    size_t count = 0;
    size_t count_again = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_resources_request(resources,
                               &other,
                               hayi_resources_text(resources, request),
                               NULL,
                               &again,
                               &err),
        HAY_OK);
    const struct hayi_variant *a =
        hayi_resources_variants(resources, request, &count);
    const struct hayi_variant *b =
        hayi_resources_variants(resources, again, &count_again);
    CU_ASSERT_EQUAL_FATAL(count, count_again);
    CU_ASSERT_EQUAL(memcmp(a, b, count * sizeof(*a)), 0);
}

static void equal_requests_share_a_number(void)
{
    char text[40];
    uint32_t first = ask("licences=1", NULL);
    CU_ASSERT_EQUAL(ask("licences=1", NULL), first);
    CU_ASSERT_NOT_EQUAL(ask("licences=2", NULL), first);
    CU_ASSERT_NOT_EQUAL(ask("licences=1", "download"), first);
    for (int i = 0; i < 1000; i++) { /* the table grows */
        (void)snprintf(text, sizeof(text), "scratch=0.%04d", i + 1);
        CU_ASSERT_NOT_EQUAL(ask(text, NULL), first);
    }
    CU_ASSERT_EQUAL(ask("licences=1", NULL), first);
    CU_ASSERT_STRING_EQUAL(
        hayi_resources_got(resources, ask("scratch=0.0001", NULL), 0),
        "scratch=0.0001");
}

static void a_category_that_is_a_limit_takes_one_of_it(void)
{
    uint32_t request = ask(NULL, "download");
    CU_ASSERT_FATAL(request != 0 && request != UINT32_MAX);
    CU_ASSERT_STRING_EQUAL(hayi_resources_got(resources, request, 0),
                           "download=1");
    request = ask("download=2 | licences=1", "download");
    CU_ASSERT_STRING_EQUAL(hayi_resources_got(resources, request, 0),
                           "download=2");
    CU_ASSERT_STRING_EQUAL(hayi_resources_got(resources, request, 1),
                           "licences=1 download=1");
    CU_ASSERT_EQUAL(ask("a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1", "download"),
                    UINT32_MAX);
}

static void wrong_requests_are_told(void)
{
    CU_ASSERT_EQUAL(ask("licences", NULL), UINT32_MAX);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "NAME=AMOUNT"));
    for (int i = 0; i < 80; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "name%d=1", i);
        uint32_t request = ask(text, NULL);
        CU_ASSERT_EQUAL(request == UINT32_MAX, i >= 61); /* with 3 others */
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 64 names"));
}

static void what_nobody_has_is_named(void)
{
    join(0, 2, 20000, 0);
    join(1, 0, 0, 5000);
    expect("licences=2 gpus=2", 0, "");
    expect("scratch=0.5", 0, "");
    expect("cores=9", 0, "9 cores asked for, but no worker has more than 4");
    expect("gpus=3", 0, "3 gpus asked for, but no worker has more than 2");
    expect("mem=2G",
           0,
           "2147483648 bytes of memory asked for, but no worker has more than "
           "1073741824");
    expect(
        "licences=3", 0, "licences=3 asked for, but no worker has more than 2");
    expect("licence=1",
           0,
           "licence=1 asked for, but there is no licence: there is download "
           "(a limit), licences, scratch");
    expect("download=4", 0, "download=4 asked for, but the farm's limit is 3");
    expect("licences=1 scratch=0.1",
           0,
           "no worker has all that is asked for at once");
    expect("gpus=3 | licences=1", 0, "");
    expect("gpus=3 | licences=3",
           0,
           "3 gpus asked for, but no worker has more than 2 (and no "
           "alternative can be met either)");
}

static void a_bound_task_has_its_worker_only(void)
{
    join(0, 2, 20000, 0);
    join(1, 0, 0, 5000);
    expect("gpus=1", 1, "");
    expect(
        "gpus=1", 2, "1 gpus asked for, but that worker has not more than 0");
    expect("scratch=0.5", 2, "");
}

static void a_worker_that_left_is_not_counted(void)
{
    join(0, 2, 20000, 0);
    join(1, 0, 0, 5000);
    expect("gpus=2", 0, "");
    hayi_resources_left(resources, 0);
    expect("gpus=2", 0, "2 gpus asked for, but no worker has more than 0");
}

static void options_that_contradict_each_other_are_refused(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    struct hayi_resources *none = NULL;
    options.resources = "licences=2";
    options.limits = "licences=3";
    CU_ASSERT_EQUAL(hayi_resources_new(&options, &none, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "both"));
    options.limits = "cores=3";
    CU_ASSERT_EQUAL(hayi_resources_new(&options, &none, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "limits: "));
    CU_ASSERT_PTR_NULL(none);
}

enum { THREADS = 4, ROUNDS = 300 };
static uint32_t seen[THREADS][ROUNDS];

static void *ask_all(void *argument)
{
    uint32_t *mine = argument;
    const struct hayi_needs needs = {.cores = 1};
    struct hayi_error own;
    for (int i = 0; i < ROUNDS; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "scratch=%d", i + 1);
        (void)hayi_resources_request(
            resources, &needs, text, NULL, &mine[i], &own);
    }
    return NULL;
}

static void threads_get_the_same_numbers(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, ask_all, seen[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (int i = 1; i < THREADS; i++) {
        CU_ASSERT_EQUAL(memcmp(seen[i], seen[0], sizeof(seen[0])), 0);
    }
    CU_ASSERT_STRING_EQUAL(
        hayi_resources_got(resources, seen[0][ROUNDS - 1], 0), "scratch=300");
}

static CU_TestInfo tests[] = {
    {"plain_needs_are_no_request", plain_needs_are_no_request},
    {"a_request_stands_over_the_needs", a_request_stands_over_the_needs},
    {"its_whole_text_says_the_same_of_any_needs",
     its_whole_text_says_the_same_of_any_needs},
    {"equal_requests_share_a_number", equal_requests_share_a_number},
    {"a_category_that_is_a_limit_takes_one_of_it",
     a_category_that_is_a_limit_takes_one_of_it},
    {"wrong_requests_are_told", wrong_requests_are_told},
    {"what_nobody_has_is_named", what_nobody_has_is_named},
    {"a_bound_task_has_its_worker_only", a_bound_task_has_its_worker_only},
    {"a_worker_that_left_is_not_counted", a_worker_that_left_is_not_counted},
    {"options_that_contradict_each_other_are_refused",
     options_that_contradict_each_other_are_refused},
    {"threads_get_the_same_numbers", threads_get_the_same_numbers},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"client/resources", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
