/* test_store.c - what a store promises, to whoever holds it and wherever its
 * objects lie: in a store of our own, in one of another process, and where all
 * memory is taken, so that each object lies in the spill file. */
#include "config.h"

#include "data/store.h"

#include "support/pattern.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static struct hayi_store *store;
static struct hayi_error err;

/* ---- The three ------------------------------------------------------------
 */

static const struct hayi_store_config roomy = {8 * MIB, NULL};
static pid_t host;
static int host_pipe = -1; /* its end is the host's end */

static void setup_own(void)
{
    store = NULL;
    err.text[0] = 0;
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &roomy, &err), HAY_OK);
}

static void teardown_own(void)
{
    hayi_store_free(store);
}

/* In the child: hold a store until the pipe is closed. */
static int be_host(int out, int in)
{
    struct hayi_store_card card;
    struct hayi_store *mine;
    char byte;
    if (hayi_store_new(&mine, &err) != HAY_OK
        || hayi_store_configure(mine, &roomy, &err) != HAY_OK) {
        return 1;
    }
    hayi_store_get_card(mine, &card);
    if (write(out, &card, sizeof(card)) != (ssize_t)sizeof(card)) {
        return 1;
    }
    while (read(in, &byte, 1) < 0 && errno == EINTR) {
    }
    hayi_store_free(mine);
    return 0;
}

static void setup_joined(void)
{
    const struct hayi_store_config ignored = {77 * MIB, ""};
    struct hayi_store_card card;
    int to[2], from[2];
    store = NULL;
    err.text[0] = 0;
    CU_ASSERT_TRUE_FATAL(pipe(to) == 0 && pipe(from) == 0);
    (void)fflush(stdout);
    host = fork();
    if (host == 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        _exit(be_host(from[1], to[0]));
    }
    (void)close(to[0]);
    (void)close(from[1]);
    host_pipe = to[1];
    ssize_t count = read(from[0], &card, sizeof(card));
    (void)close(from[0]);
    CU_ASSERT_EQUAL_FATAL(count, (ssize_t)sizeof(card));
    CU_ASSERT_EQUAL_FATAL(hayi_store_join(&card, 7, &store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &ignored, &err), HAY_OK);
}

static void teardown_joined(void)
{
    int status = -1;
    hayi_store_free(store);
    (void)close(host_pipe);
    (void)waitpid(host, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static hayi_place ballast;

static void setup_filed(void)
{
    const struct hayi_store_config small = {MIB, NULL};
    const void *data;
    void *room;
    uint64_t size;
    store = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &small, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, MIB, &ballast, &room, &err),
                          HAY_OK);
    hayi_store_seal(store, ballast, 0);
    CU_ASSERT_EQUAL_FATAL(hayi_store_pin(store, ballast, &data, &size, &err),
                          HAY_OK);
}

static void teardown_filed(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(store, &usage);
    CU_ASSERT_EQUAL(usage.used_bytes, MIB); /* nothing but the ballast */
    hayi_store_unpin(store, ballast);
    hayi_store_free(store);
}

/* ---- What they promise ----------------------------------------------------
 */

static uint64_t object_count(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(store, &usage);
    return usage.object_count;
}

static hayi_place put(uint64_t size_bytes, uint64_t seed)
{
    hayi_place place = 0;
    void *data;
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(store, size_bytes, &place, &data, &err), HAY_OK);
    CU_ASSERT_NOT_EQUAL(place, 0);
    CU_ASSERT_EQUAL((uintptr_t)data % 4096, 0);
    pattern_fill(data, size_bytes, seed);
    hayi_store_seal(store, place, 0);
    return place;
}

static bool holds(hayi_place place, uint64_t size_bytes, uint64_t seed)
{
    const void *data;
    uint64_t size;
    if (hayi_store_pin(store, place, &data, &size, &err) != HAY_OK) {
        return false;
    }
    bool same = size == size_bytes && pattern_is_in(data, size, seed);
    hayi_store_unpin(store, place);
    return same;
}

static void bytes_come_back_for_each_size(void)
{
    static const uint64_t sizes[] = {
        1, 7, 4096, 16383, 16384, 16385, 70000, MIB, 3 * MIB + 1};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    hayi_place places[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        places[i] = put(sizes[i], i);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        CU_ASSERT_TRUE(holds(places[i], sizes[i], i));
    }
    uint64_t before = object_count();
    for (uint64_t i = 0; i < COUNT; i++) {
        hayi_store_drop(store, places[i]);
        CU_ASSERT_FALSE(holds(places[i], sizes[i], i));
    }
    CU_ASSERT_EQUAL(object_count(), before - COUNT);
    hayi_store_check(store);
}

static void place_is_stale_after_the_drop(void)
{
    const void *data;
    uint64_t size;
    hayi_place first = put(500, 1);
    hayi_store_drop(store, first);
    hayi_place second = put(500, 2);
    CU_ASSERT_NOT_EQUAL(first, second);
    hayi_store_drop(store, first);
    CU_ASSERT_EQUAL(hayi_store_try_pin(store, first, &data, &size), HAY_EEMPTY);
    CU_ASSERT_EQUAL(hayi_store_pin(store, first, &data, &size, &err),
                    HAY_EEMPTY);
    CU_ASSERT_TRUE(holds(second, 500, 2));
    hayi_store_drop(store, second);
}

static void pinned_bytes_outlive_the_drop(void)
{
    const void *one, *two;
    uint64_t size;
    hayi_place place = put(50000, 3);
    uint64_t count = object_count();
    CU_ASSERT_EQUAL(hayi_store_pin(store, place, &one, &size, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_pin(store, place, &two, &size, &err), HAY_OK);
    hayi_store_drop(store, place);
    hayi_store_drop(store, place); /* once is enough */
    hayi_store_unpin(store, place);
    CU_ASSERT_TRUE(pattern_is_in(two, 50000, 3));
    CU_ASSERT_EQUAL(object_count(), count);
    hayi_store_unpin(store, place);
    CU_ASSERT_EQUAL(object_count(), count - 1);
    CU_ASSERT_FALSE(holds(place, 50000, 3));
}

static void unsealed_is_nobodys_to_read(void)
{
    hayi_place place;
    void *room;
    const void *data;
    uint64_t size, count = object_count();
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, 9, &place, &room, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_try_pin(store, place, &data, &size), HAY_EEMPTY);
    hayi_store_abandon(store, place);
    CU_ASSERT_EQUAL(hayi_store_try_pin(store, place, &data, &size), HAY_EEMPTY);
    CU_ASSERT_EQUAL(object_count(), count);
    hayi_store_check(store);
}

static void shrinking_keeps_the_first_bytes(void)
{
    struct hayi_store_usage before, after;
    hayi_place place;
    void *room;
    hayi_store_get_usage(store, &before);
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, MIB, &place, &room, &err),
                          HAY_OK);
    pattern_fill(room, 100000, 6);
    hayi_store_shrink(store, place, 200000);
    hayi_store_shrink(store, place, 100000);
    hayi_store_shrink(store, place, 100000);
    hayi_store_seal(store, place, 0);
    CU_ASSERT_TRUE(holds(place, 100000, 6));
    hayi_store_get_usage(store, &after);
    CU_ASSERT_EQUAL(after.used_bytes + after.spilled_bytes - before.used_bytes
                        - before.spilled_bytes,
                    7 * (16 << 10));
    hayi_store_drop(store, place);
    hayi_store_check(store);
}

/* More than there is memory in any of the three. */
static void all_of_many_are_kept(void)
{
    enum { COUNT = 60 };
    hayi_place places[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        places[i] = put(200000 + i, i);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        CU_ASSERT_TRUE(holds(places[i], 200000 + i, i));
        hayi_store_drop(store, places[i]);
    }
    hayi_store_check(store);
}

static CU_TestInfo tests[] = {
    {"bytes_come_back_for_each_size", bytes_come_back_for_each_size},
    {"place_is_stale_after_the_drop", place_is_stale_after_the_drop},
    {"pinned_bytes_outlive_the_drop", pinned_bytes_outlive_the_drop},
    {"unsealed_is_nobodys_to_read", unsealed_is_nobodys_to_read},
    {"shrinking_keeps_the_first_bytes", shrinking_keeps_the_first_bytes},
    {"all_of_many_are_kept", all_of_many_are_kept},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"contract/store_own", NULL, NULL, setup_own, teardown_own, tests},
    {"contract/store_joined", NULL, NULL, setup_joined, teardown_joined, tests},
    {"contract/store_filed", NULL, NULL, setup_filed, teardown_filed, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
