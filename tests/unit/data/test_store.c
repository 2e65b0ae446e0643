/* test_store.c - the store of one process and of two. */
#include "config.h"

#include "data/store.h"

#include "support/pattern.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB  ((uint64_t)1 << 20)
#define UNIT ((uint64_t)16 << 10)

static struct hayi_store *store;
static struct hayi_error err;

static void open_store(uint64_t limit_bytes, const char *folder)
{
    const struct hayi_store_config config = {limit_bytes, folder};
    err.text[0] = 0;
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &config, &err), HAY_OK);
}

static void setup(void)
{
    store = NULL;
}

static void teardown(void)
{
    hayi_store_free(store);
}

static struct hayi_store_usage usage(void)
{
    struct hayi_store_usage u;
    hayi_store_get_usage(store, &u);
    return u;
}

static hayi_place put_named(uint64_t size_bytes, uint64_t seed, uint64_t name)
{
    hayi_place place = 0;
    void *data;
    hay_status status =
        hayi_store_create(store, size_bytes, &place, &data, &err);
    CU_ASSERT_EQUAL(status, HAY_OK);
    if (status == HAY_OK) {
        CU_ASSERT_EQUAL((uintptr_t)data % 4096, 0);
        pattern_fill(data, size_bytes, seed);
        hayi_store_seal(store, place, name);
    }
    return place;
}

static hayi_place put(uint64_t size_bytes, uint64_t seed)
{
    return put_named(size_bytes, seed, 0);
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

static hay_status try_pin(hayi_place place)
{
    const void *data;
    uint64_t size;
    return hayi_store_try_pin(store, place, &data, &size);
}

/* ---- One process ----------------------------------------------------------
 */

static void sealed_object_is_read_as_it_was_written(void)
{
    open_store(4 * MIB, "");
    hayi_place a = put(1, 1), b = put(20001, 2), c = put(MIB, 3);
    CU_ASSERT_TRUE(holds(a, 1, 1));
    CU_ASSERT_TRUE(holds(b, 20001, 2));
    CU_ASSERT_TRUE(holds(c, MIB, 3));
    CU_ASSERT_EQUAL(usage().object_count, 3);
    CU_ASSERT_EQUAL(usage().used_bytes, MIB + 3 * UNIT);
    hayi_store_check(store);
}

static void dropped_object_is_gone_and_its_place_stale(void)
{
    open_store(4 * MIB, "");
    hayi_place a = put(1000, 1);
    hayi_store_drop(store, a);
    CU_ASSERT_EQUAL(try_pin(a), HAY_EEMPTY);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    hayi_place b = put(1000, 2);
    CU_ASSERT_NOT_EQUAL(a, b);
    hayi_store_drop(store, a); /* not b's */
    CU_ASSERT_EQUAL(try_pin(a), HAY_EEMPTY);
    CU_ASSERT_TRUE(holds(b, 1000, 2));
    CU_ASSERT_EQUAL(try_pin(0), HAY_EEMPTY);
    CU_ASSERT_EQUAL(try_pin(UINT64_MAX), HAY_EEMPTY);
    hayi_store_check(store);
}

static void dropped_object_lives_until_its_last_pin_goes(void)
{
    const void *data, *again;
    uint64_t size;
    open_store(MIB, "");
    hayi_place a = put(100000, 7);
    CU_ASSERT_EQUAL(hayi_store_pin(store, a, &data, &size, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_try_pin(store, a, &again, &size), HAY_OK);
    CU_ASSERT_PTR_EQUAL(data, again);
    hayi_store_drop(store, a);
    CU_ASSERT_EQUAL(try_pin(a), HAY_EEMPTY);
    hayi_store_unpin(store, a);
    CU_ASSERT_TRUE(pattern_is_in(data, 100000, 7));
    CU_ASSERT_EQUAL(usage().object_count, 1);
    hayi_store_check(store);
    hayi_store_unpin(store, a);
    CU_ASSERT_EQUAL(usage().object_count, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    hayi_store_check(store);
}

static void unsealed_object_is_not_readable_and_can_be_abandoned(void)
{
    hayi_place a;
    void *data;
    open_store(MIB, "");
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, 5, &a, &data, &err), HAY_OK);
    CU_ASSERT_EQUAL(try_pin(a), HAY_EEMPTY);
    hayi_store_abandon(store, a);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    CU_ASSERT_EQUAL(usage().object_count, 0);
    hayi_store_check(store);
}

static void shrunk_object_gives_its_rest_back(void)
{
    hayi_place a;
    void *data;
    open_store(MIB, "");
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, MIB, &a, &data, &err),
                          HAY_OK);
    pattern_fill(data, 5000, 4);
    hayi_store_shrink(store, a, 5000);
    hayi_store_seal(store, a, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, UNIT);
    CU_ASSERT_TRUE(holds(a, 5000, 4));
    hayi_store_check(store);
}

static void big_objects_are_aligned_for_huge_pages(void)
{
    open_store(16 * MIB, "");
    const void *data;
    uint64_t size;
    (void)put(100, 1);
    hayi_place a = put(3 * MIB, 2);
    CU_ASSERT_EQUAL(hayi_store_pin(store, a, &data, &size, &err), HAY_OK);
    CU_ASSERT_EQUAL((uintptr_t)data % 4096, 0);
    hayi_store_unpin(store, a);
    /* Where aligned room is missing, unaligned will do. */
    hayi_place b = put(10 * MIB + UNIT, 3), c = put(2 * MIB - 2 * UNIT, 4);
    CU_ASSERT_TRUE(holds(b, 10 * MIB + UNIT, 3));
    CU_ASSERT_TRUE(holds(c, 2 * MIB - 2 * UNIT, 4));
    hayi_store_check(store);
}

static void least_recently_used_object_is_spilled_and_comes_back(void)
{
    open_store(4 * MIB, NULL);
    hayi_place a = put(MIB, 1), b = put(MIB, 2), c = put(MIB, 3),
               d = put(MIB, 4);
    CU_ASSERT_TRUE(holds(a, MIB, 1));
    hayi_place e = put(MIB, 5);
    CU_ASSERT_EQUAL(usage().spills, 1);
    CU_ASSERT_EQUAL(usage().spilled_bytes, MIB);
    CU_ASSERT_EQUAL(try_pin(b), HAY_EAGAIN);
    CU_ASSERT_TRUE(holds(a, MIB, 1));
    CU_ASSERT_TRUE(holds(b, MIB, 2));
    CU_ASSERT_EQUAL(usage().restores, 1);
    CU_ASSERT_EQUAL(try_pin(c), HAY_EAGAIN);
    CU_ASSERT_TRUE(holds(d, MIB, 4));
    CU_ASSERT_TRUE(holds(e, MIB, 5));
    CU_ASSERT_TRUE(holds(c, MIB, 3));
    CU_ASSERT_EQUAL(usage().used_bytes, 4 * MIB);
    CU_ASSERT_EQUAL(usage().object_count, 5);
    hayi_store_check(store);
    hayi_store_drop(store, a);
    hayi_store_drop(store, b);
    hayi_store_drop(store, c);
    hayi_store_drop(store, d);
    hayi_store_drop(store, e);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    hayi_store_check(store);
}

static void object_of_odd_size_survives_the_disk(void)
{
    open_store(4 * MIB, NULL);
    static const uint64_t sizes[] = {
        1, 4095, 4097, UNIT - 1, UNIT + 1, MIB - 1, MIB + 1, 2 * MIB + 12345};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    hayi_place places[COUNT];
    for (int i = 0; i < COUNT; i++) {
        places[i] = put(sizes[i], (uint64_t)i);
    }
    hayi_store_relieve(store, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    CU_ASSERT_TRUE(usage().spills >= COUNT);
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_TRUE(holds(places[i], sizes[i], (uint64_t)i));
    }
    hayi_store_check(store);
}

static void relieving_stops_at_what_was_asked(void)
{
    open_store(8 * MIB, NULL);
    for (uint64_t i = 0; i < 8; i++) {
        (void)put(MIB, i);
    }
    hayi_store_relieve(store, 500);
    CU_ASSERT_EQUAL(usage().used_bytes, 4 * MIB);
    CU_ASSERT_EQUAL(usage().spills, 4);
    hayi_store_relieve(store, 500);
    CU_ASSERT_EQUAL(usage().spills, 4);
    hayi_store_check(store);
}

static void replicas_are_dropped_before_anything_is_spilled(void)
{
    uint64_t names[4];
    open_store(4 * MIB, NULL);
    hayi_place old = put(MIB, 1);
    hayi_place r = put_named(MIB, 2, 22), s = put_named(MIB, 3, 33);
    hayi_place t = put_named(MIB, 4, 44);
    const void *data;
    uint64_t size;
    CU_ASSERT_EQUAL(hayi_store_pin(store, r, &data, &size, &err), HAY_OK);
    (void)put(2 * MIB, 5);
    CU_ASSERT_EQUAL(usage().drops, 2);
    CU_ASSERT_EQUAL(usage().spills, 0);
    CU_ASSERT_EQUAL(try_pin(s), HAY_EEMPTY);
    CU_ASSERT_EQUAL(try_pin(t), HAY_EEMPTY);
    CU_ASSERT_EQUAL(hayi_store_take_gone(store, names, 1), 1);
    CU_ASSERT_EQUAL(names[0], 33);
    CU_ASSERT_EQUAL(hayi_store_take_gone(store, names, 4), 1);
    CU_ASSERT_EQUAL(names[0], 44);
    CU_ASSERT_EQUAL(hayi_store_take_gone(store, names, 4), 0);
    CU_ASSERT_TRUE(pattern_is_in(data, MIB, 2));
    hayi_store_unpin(store, r);
    CU_ASSERT_TRUE(holds(old, MIB, 1));
    hayi_store_drop(store, r); /* wanted, so it is not told */
    CU_ASSERT_EQUAL(hayi_store_take_gone(store, names, 4), 0);
    hayi_store_check(store);
}

static void pinned_objects_stay_where_they_are(void)
{
    const void *data;
    uint64_t size;
    open_store(2 * MIB, NULL);
    hayi_place a = put(MIB, 1);
    CU_ASSERT_EQUAL(hayi_store_pin(store, a, &data, &size, &err), HAY_OK);
    for (uint64_t i = 0; i < 10; i++) {
        (void)put(MIB, 100 + i);
        CU_ASSERT_TRUE(pattern_is_in(data, MIB, 1));
    }
    hayi_store_relieve(store, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, MIB);
    CU_ASSERT_TRUE(pattern_is_in(data, MIB, 1));
    hayi_store_unpin(store, a);
    hayi_store_check(store);
}

static void object_beyond_the_limit_lies_in_the_spill_file(void)
{
    hayi_place big;
    void *data;
    open_store(2 * MIB, NULL);
    hayi_place small = put(MIB, 1);
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(store, 5 * MIB + 5, &big, &data, &err), HAY_OK);
    pattern_fill(data, 5 * MIB, 2);
    hayi_store_shrink(store, big, 5 * MIB);
    hayi_store_seal(store, big, 0);
    CU_ASSERT_EQUAL(usage().used_bytes, MIB); /* nobody had to leave */
    CU_ASSERT_EQUAL(usage().spilled_bytes, 5 * MIB);
    CU_ASSERT_TRUE(holds(big, 5 * MIB, 2));
    const void *one, *two;
    uint64_t size;
    CU_ASSERT_EQUAL(hayi_store_try_pin(store, big, &one, &size), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_pin(store, big, &two, &size, &err), HAY_OK);
    CU_ASSERT_PTR_EQUAL(one, two);
    hayi_store_drop(store, big);
    hayi_store_unpin(store, big);
    CU_ASSERT_TRUE(pattern_is_in(two, 5 * MIB, 2));
    hayi_store_unpin(store, big);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    CU_ASSERT_TRUE(holds(small, MIB, 1));
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, 3 * MIB, &big, &data, &err),
                          HAY_OK);
    hayi_store_abandon(store, big);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    hayi_store_check(store);
}

/* All of the memory is pinned: new objects and spilled ones are read from the
 * file. */
static void without_room_in_memory_the_file_is_mapped(void)
{
    const void *data[2];
    uint64_t size;
    open_store(2 * MIB, NULL);
    hayi_place spilled = put(MIB, 9);
    hayi_store_relieve(store, 0);
    hayi_place a = put(MIB, 1), b = put(MIB, 2);
    CU_ASSERT_EQUAL(hayi_store_pin(store, a, &data[0], &size, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_pin(store, b, &data[1], &size, &err), HAY_OK);
    hayi_place c = put(300000, 3);
    CU_ASSERT_TRUE(holds(c, 300000, 3));
    CU_ASSERT_TRUE(holds(spilled, MIB, 9));
    CU_ASSERT_TRUE(pattern_is_in(data[0], MIB, 1));
    CU_ASSERT_TRUE(pattern_is_in(data[1], MIB, 2));
    CU_ASSERT_EQUAL(usage().used_bytes, 2 * MIB);
    hayi_store_unpin(store, a);
    hayi_store_unpin(store, b);
    hayi_store_check(store);
}

/* More than there are lists of them. */
static void many_mapped_objects_are_told_apart(void)
{
    enum { MANY = 3000, BYTES = 40 };
    hayi_place *places = calloc(MANY, sizeof(*places));
    const void **data = calloc(MANY, sizeof(*data));
    const void *held;
    uint64_t size;
    open_store(MIB, NULL);
    hayi_place full = put(MIB, 1);
    CU_ASSERT_EQUAL(hayi_store_pin(store, full, &held, &size, &err), HAY_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        places[i] = put(BYTES, (uint8_t)(i * 7));
        CU_ASSERT_EQUAL(hayi_store_pin(store, places[i], &data[i], &size, &err),
                        HAY_OK);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t k = (uint32_t)(i * UINT64_C(7919) % MANY);
        CU_ASSERT_TRUE(pattern_is_in(data[k], BYTES, (uint8_t)(k * 7)));
        hayi_store_unpin(store, places[k]);
        hayi_store_drop(store, places[k]);
    }
    hayi_store_unpin(store, full);
    CU_ASSERT_EQUAL(usage().object_count, 1);
    hayi_store_check(store);
    free(places);
    free(data);
}

static void without_spilling_a_full_store_says_so(void)
{
    hayi_place a, b = 77;
    void *data;
    open_store(MIB, "");
    a = put(MIB, 1);
    CU_ASSERT_EQUAL(hayi_store_create(store, 100, &b, &data, &err), HAY_EIO);
    CU_ASSERT_EQUAL(b, 77);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "object of 100 bytes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no folder to spill to"));
    CU_ASSERT_TRUE(holds(a, MIB, 1));
    CU_ASSERT_EQUAL(usage().object_count, 1);
    hayi_store_drop(store, a);
    (void)put(MIB, 2);
    hayi_store_check(store);
}

static void prefault_ends_at_the_limit(void)
{
    open_store(4 * MIB, "");
    hayi_place a = put(100000, 1);
    CU_ASSERT_TRUE(hayi_store_prefault(store, MIB));
    CU_ASSERT_TRUE(hayi_store_prefault(store, 2 * MIB));
    CU_ASSERT_FALSE(hayi_store_prefault(store, 8 * MIB));
    CU_ASSERT_FALSE(hayi_store_prefault(store, 8 * MIB));
    CU_ASSERT_TRUE(holds(a, 100000, 1));
    CU_ASSERT_EQUAL(usage().used_bytes, 7 * UNIT);
}

static void bad_configurations_are_refused_with_words(void)
{
    struct hayi_store_config config = {MIB - 1, ""};
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_configure(store, &config, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "1048575"));
    config.limit_bytes = UINT64_MAX;
    CU_ASSERT_EQUAL(hayi_store_configure(store, &config, &err), HAY_EINVAL);
    config.limit_bytes = MIB;
    config.spill_folder = "/nowhere/at/all";
    CU_ASSERT_EQUAL(hayi_store_configure(store, &config, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere/at/all"));
    config.spill_folder = NULL;
    config.limit_bytes = 0; /* the usual one */
    CU_ASSERT_EQUAL(hayi_store_configure(store, &config, &err), HAY_OK);
    CU_ASSERT_TRUE(usage().limit_bytes >= MIB);
    hayi_place a = put(3 * MIB, 1);
    CU_ASSERT_TRUE(holds(a, 3 * MIB, 1));
    hayi_store_check(store);
}

static void many_small_objects_are_told_apart(void)
{
    enum { COUNT = 5000 };
    static hayi_place places[COUNT];
    open_store(16 * MIB, NULL); /* room for 1024 */
    for (uint64_t i = 0; i < COUNT; i++) {
        places[i] = put(1000 + i, i);
    }
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < COUNT; i += 7) {
        wrong += holds(places[i], 1000 + i, i) ? 0 : 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(usage().used_bytes <= 16 * MIB);
    hayi_store_check(store);
    for (uint64_t i = 0; i < COUNT; i++) {
        hayi_store_drop(store, places[i]);
    }
    CU_ASSERT_EQUAL(usage().object_count, 0);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    hayi_store_check(store);
}

/* ---- Threads --------------------------------------------------------------
 */

enum { THREADS = 4, SHARED = 16 };
static _Atomic uint64_t shared[SHARED];
static _Atomic uint64_t faults;

static void *thread_life(void *argument)
{
    uint64_t seed = (uint64_t)(size_t)argument + 1;
    for (int round = 0; round < 400; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned slot = (unsigned)(seed >> 40) % SHARED;
        hayi_place place;
        void *data;
        const void *bytes;
        uint64_t size = 16 + (seed >> 33) % (300 * 1024), got;
        struct hayi_error why;
        if (hayi_store_create(store, size, &place, &data, &why) == HAY_OK) {
            memset(data, 0, 16);
            pattern_fill(data, size, size);
            hayi_store_seal(store, place, 0);
            place = atomic_exchange(&shared[slot], place);
            if (place != 0) {
                hayi_store_drop(store, place);
            }
        } else {
            faults++;
        }
        place = atomic_load(&shared[(slot + 5) % SHARED]);
        hay_status status =
            place == 0 ? HAY_EEMPTY
                       : hayi_store_pin(store, place, &bytes, &got, &why);
        if (status == HAY_OK) {
            faults += pattern_is_in(bytes, got, got) ? 0 : 1;
            hayi_store_unpin(store, place);
        } else {
            faults += status == HAY_EEMPTY ? 0 : 1;
        }
    }
    return NULL;
}

static void threads_share_a_store_that_is_too_small(void)
{
    pthread_t threads[THREADS];
    open_store(MIB, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, thread_life, (void *)i), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(atomic_load(&faults), 0);
    CU_ASSERT_TRUE(usage().used_bytes <= MIB);
    hayi_store_check(store);
    for (int i = 0; i < SHARED; i++) {
        hayi_store_drop(store, atomic_exchange(&shared[i], 0));
    }
    CU_ASSERT_EQUAL(usage().object_count, 0);
    hayi_store_check(store);
}

/* ---- Other processes ------------------------------------------------------
 */

/* The exit status of a child that runs 'work'; negative: its signal. */
static int in_child(int (*work)(void))
{
    int status = 0;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(work());
    }
    CU_ASSERT_TRUE_FATAL(pid > 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static hayi_place given;
static struct hayi_store_card card;

/* The child's own view of the parent's store, as member 'member'. */
static bool join(uint32_t member)
{
    const struct hayi_store_config config = {MIB * 99, "/ignored"};
    struct hayi_store *mine;
    if (hayi_store_join(&card, member, &mine, &err) != HAY_OK
        || hayi_store_configure(mine, &config, &err) != HAY_OK) {
        return false;
    }
    store = mine;
    return true;
}

static int write_to_sealed(void)
{
    const void *data;
    uint64_t size;
    (void)signal(SIGSEGV, SIG_DFL);
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!join(1)
        || hayi_store_pin(store, given, &data, &size, &err) != HAY_OK) {
        return 1;
    }
    *(volatile char *)(uintptr_t)data = 1;
    return 0;
}

static void who_writes_to_a_sealed_object_dies(void)
{
    open_store(MIB, "");
    given = put(100, 1);
    hayi_store_get_card(store, &card);
    /* A sanitizer turns the signal into an exit status of its own. */
    int end = in_child(write_to_sealed);
    CU_ASSERT_TRUE(end == -SIGSEGV || end > 1);
    hayi_store_reap(store, 1);
    CU_ASSERT_TRUE(holds(given, 100, 1));
    hayi_store_check(store);
}

static int read_and_leave_things(void)
{
    hayi_place place;
    void *data;
    const void *bytes;
    uint64_t size;
    if (!join(3) || usage().limit_bytes != 4 * MIB) {
        return 1;
    }
    if (hayi_store_pin(store, given, &bytes, &size, &err) != HAY_OK
        || !pattern_is_in(bytes, size, 1)) {
        return 2;
    }
    if (hayi_store_create(store, MIB, &place, &data, &err) != HAY_OK) {
        return 3;
    }
    (void)put(MIB, 8); /* sealed: stays */
    (void)raise(SIGKILL);
    return 4;
}

static void dead_member_loses_its_pins_and_what_it_had_not_sealed(void)
{
    open_store(4 * MIB, NULL);
    given = put(MIB, 1);
    hayi_store_get_card(store, &card);
    CU_ASSERT_EQUAL(in_child(read_and_leave_things), -SIGKILL);
    hayi_store_drop(store, given);
    CU_ASSERT_EQUAL(usage().object_count, 3);
    hayi_store_reap(store, 3);
    CU_ASSERT_EQUAL(usage().object_count, 1);
    CU_ASSERT_EQUAL(usage().used_bytes, MIB);
    CU_ASSERT_EQUAL(try_pin(given), HAY_EEMPTY);
    hayi_store_check(store);
}

static int configure_first(void)
{
    const struct hayi_store_config config = {3 * MIB, ""};
    struct hayi_store *mine;
    if (hayi_store_join(&card, 5, &mine, &err) != HAY_OK
        || hayi_store_configure(mine, &config, &err) != HAY_OK) {
        return 1;
    }
    return 0;
}

static void first_member_to_configure_decides(void)
{
    const struct hayi_store_config config = {9 * MIB, NULL};
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    hayi_store_get_card(store, &card);
    CU_ASSERT_EQUAL(in_child(configure_first), 0);
    CU_ASSERT_EQUAL(hayi_store_configure(store, &config, &err), HAY_OK);
    CU_ASSERT_EQUAL(usage().limit_bytes, 3 * MIB);
    hayi_place place;
    void *data;
    CU_ASSERT_EQUAL(hayi_store_create(store, 4 * MIB, &place, &data, &err),
                    HAY_EIO);
}

static void wrong_cards_are_refused_with_words(void)
{
    struct hayi_store *other = NULL;
    open_store(MIB, "");
    hayi_store_get_card(store, &card);
    CU_ASSERT_EQUAL(hayi_store_join(&card, 0, &other, &err), HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_store_join(&card, HAYI_STORE_MEMBERS_MAX, &other, &err),
        HAY_EINVAL);
    card.inode++;
    CU_ASSERT_EQUAL(hayi_store_join(&card, 1, &other, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "another file"));
    card.fd = 1 << 30;
    CU_ASSERT_EQUAL(hayi_store_join(&card, 1, &other, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be joined"));
    CU_ASSERT_PTR_NULL(other);
}

static CU_TestInfo tests[] = {
    {"sealed_object_is_read_as_it_was_written",
     sealed_object_is_read_as_it_was_written},
    {"dropped_object_is_gone_and_its_place_stale",
     dropped_object_is_gone_and_its_place_stale},
    {"dropped_object_lives_until_its_last_pin_goes",
     dropped_object_lives_until_its_last_pin_goes},
    {"unsealed_object_is_not_readable_and_can_be_abandoned",
     unsealed_object_is_not_readable_and_can_be_abandoned},
    {"shrunk_object_gives_its_rest_back", shrunk_object_gives_its_rest_back},
    {"big_objects_are_aligned_for_huge_pages",
     big_objects_are_aligned_for_huge_pages},
    {"least_recently_used_object_is_spilled_and_comes_back",
     least_recently_used_object_is_spilled_and_comes_back},
    {"object_of_odd_size_survives_the_disk",
     object_of_odd_size_survives_the_disk},
    {"relieving_stops_at_what_was_asked", relieving_stops_at_what_was_asked},
    {"replicas_are_dropped_before_anything_is_spilled",
     replicas_are_dropped_before_anything_is_spilled},
    {"pinned_objects_stay_where_they_are", pinned_objects_stay_where_they_are},
    {"object_beyond_the_limit_lies_in_the_spill_file",
     object_beyond_the_limit_lies_in_the_spill_file},
    {"without_room_in_memory_the_file_is_mapped",
     without_room_in_memory_the_file_is_mapped},
    {"many_mapped_objects_are_told_apart", many_mapped_objects_are_told_apart},
    {"without_spilling_a_full_store_says_so",
     without_spilling_a_full_store_says_so},
    {"prefault_ends_at_the_limit", prefault_ends_at_the_limit},
    {"bad_configurations_are_refused_with_words",
     bad_configurations_are_refused_with_words},
    {"many_small_objects_are_told_apart", many_small_objects_are_told_apart},
    {"threads_share_a_store_that_is_too_small",
     threads_share_a_store_that_is_too_small},
    {"who_writes_to_a_sealed_object_dies", who_writes_to_a_sealed_object_dies},
    {"dead_member_loses_its_pins_and_what_it_had_not_sealed",
     dead_member_loses_its_pins_and_what_it_had_not_sealed},
    {"first_member_to_configure_decides", first_member_to_configure_decides},
    {"wrong_cards_are_refused_with_words", wrong_cards_are_refused_with_words},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"data/store", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
