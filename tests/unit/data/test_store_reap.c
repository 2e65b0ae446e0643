/* test_store_reap.c - an object in each state in which its owner can die, and
 * members that set up a store at the same time. */
#include "config.h"

#include "data/store_inside.h"

#include "support/pattern.h"
#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

enum { DEAD = 9, SIZE = 100000 };

/* One store, of which this process is two members. */
static struct hayi_store *store, *dead;
static struct hayi_error err;

static void setup(void)
{
    const struct hayi_store_config config = {2 * MIB, NULL};
    struct hayi_store_card card;
    store = dead = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &config, &err), HAY_OK);
    hayi_store_get_card(store, &card);
    CU_ASSERT_EQUAL_FATAL(hayi_store_join(&card, DEAD, &dead, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(dead, &config, &err), HAY_OK);
}

static void teardown(void)
{
    hayi_store_free(dead);
    hayi_store_free(store);
}

static hayi_place put(uint64_t seed)
{
    hayi_place place = 0;
    void *data;
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, SIZE, &place, &data, &err),
                          HAY_OK);
    pattern_fill(data, SIZE, seed);
    hayi_store_seal(store, place, 0);
    return place;
}

static bool holds(hayi_place place, uint64_t seed)
{
    const void *data;
    uint64_t size;
    if (hayi_store_pin(store, place, &data, &size, &err) != HAY_OK) {
        return false;
    }
    bool same = size == SIZE && pattern_is_in(data, size, seed);
    hayi_store_unpin(store, place);
    return same;
}

/* In memory, with a copy on disk. */
static hayi_place put_backed(uint64_t seed)
{
    hayi_place place = put(seed);
    hayi_store_relieve(store, 0);
    CU_ASSERT_TRUE(holds(place, seed));
    return place;
}

static enum hayi_store_state state_of(hayi_place place)
{
    return hayi_store_state_of(atomic_load(&store->words[(uint32_t)place]));
}

/* Let the dead one have been at it. */
static void step(hayi_place place, enum hayi_store_state state, uint64_t clear)
{
    uint64_t word = atomic_load(&dead->words[(uint32_t)place]);
    CU_ASSERT_TRUE_FATAL(
        hayi_store_step(dead, (uint32_t)place, &word, state, 0, clear));
}

static struct hayi_store_usage usage(void)
{
    struct hayi_store_usage u;
    hayi_store_get_usage(store, &u);
    return u;
}

static hay_status try_pin(hayi_place place)
{
    const void *data;
    uint64_t size;
    return hayi_store_try_pin(store, place, &data, &size);
}

static void pin_takes_an_object_back_from_who_writes_it(void)
{
    hayi_place place = put(1);
    step(place, HAYI_STORE_EVICTING, 0);
    CU_ASSERT_EQUAL(try_pin(place), HAY_OK);
    CU_ASSERT_EQUAL(state_of(place), HAYI_STORE_RESIDENT);
    hayi_store_unpin(store, place);
    hayi_store_check(store);
}

static void object_that_moves_cannot_be_pinned_at_once(void)
{
    hayi_place place = put_backed(2);
    step(place, HAYI_STORE_COMMITTING, 0);
    CU_ASSERT_EQUAL(try_pin(place), HAY_EAGAIN);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(try_pin(place), HAY_OK);
    hayi_store_unpin(store, place);
}

static void dead_in_evicting(void)
{
    hayi_place plain = put(1), doomed = put(2);
    step(plain, HAYI_STORE_EVICTING, 0);
    step(doomed, HAYI_STORE_COMMITTING, 0);
    hayi_store_drop(store, doomed); /* waits for nobody */
    CU_ASSERT_EQUAL(usage().object_count, 2);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().object_count, 1);
    CU_ASSERT_EQUAL(state_of(plain), HAYI_STORE_RESIDENT);
    CU_ASSERT_TRUE(holds(plain, 1));
    hayi_store_check(store);
}

/* What is still in memory stays there, a doubtful copy goes. */
static void dead_in_committing_with_the_bytes_in_memory(void)
{
    hayi_place place = put_backed(3);
    uint64_t on_disk = usage().spilled_bytes;
    CU_ASSERT_NOT_EQUAL(on_disk, 0);
    step(place, HAYI_STORE_COMMITTING, HAYI_STORE_BACKED);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    CU_ASSERT_TRUE(holds(place, 3));
    hayi_store_check(store);
    hayi_store_relieve(store, 0);
    CU_ASSERT_TRUE(holds(place, 3));
    hayi_store_check(store);
}

static void dead_in_committing_with_the_bytes_on_disk(void)
{
    hayi_place place = put_backed(4);
    struct hayi_store_entry *entry = &dead->entries[(uint32_t)place];
    step(place, HAYI_STORE_COMMITTING, 0);
    hayi_extents_free(&dead->memory,
                      atomic_exchange(&entry->run, 0) - 1,
                      hayi_store_units(SIZE));
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(state_of(place), HAYI_STORE_SPILLED);
    CU_ASSERT_TRUE(holds(place, 4));
    hayi_store_check(store);
}

static void dead_in_restoring(void)
{
    hayi_place place = put(5), early = put(6);
    uint64_t first;
    hayi_store_relieve(store, 0);
    step(place, HAYI_STORE_RESTORING, 0);
    step(early, HAYI_STORE_RESTORING, 0);
    CU_ASSERT_TRUE_FATAL(
        hayi_store_claim_memory(dead, hayi_store_units(SIZE), &first, &err));
    atomic_store(&dead->entries[(uint32_t)place].run, first + 1);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    CU_ASSERT_TRUE(holds(place, 5));
    CU_ASSERT_TRUE(holds(early, 6));
    hayi_store_check(store);
}

static void dead_in_freeing(void)
{
    hayi_place place = put_backed(7);
    step(place, HAYI_STORE_FREEING, 0);
    CU_ASSERT_EQUAL(try_pin(place), HAY_EEMPTY);
    hayi_store_drop(store, place);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().used_bytes, 0);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    CU_ASSERT_EQUAL(state_of(place), HAYI_STORE_FREE);
}

/* With room on disk, as while an object is written there. */
static void dead_with_a_claimed_entry(void)
{
    uint32_t index = hayi_store_claim_entry(dead);
    CU_ASSERT_EQUAL(hayi_store_claim_disk(dead, index, SIZE, false, &err),
                    HAY_OK);
    CU_ASSERT_NOT_EQUAL(usage().spilled_bytes, 0);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    hayi_store_check(store);
}

static void dead_with_unsealed_objects_in_memory_and_on_disk(void)
{
    hayi_place place;
    void *data;
    CU_ASSERT_EQUAL(hayi_store_create(dead, SIZE, &place, &data, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_store_create(dead, 3 * MIB, &place, &data, &err),
                    HAY_OK);
    hayi_place alive = put(8);
    hayi_store_check(store);
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL(usage().object_count, 1);
    CU_ASSERT_EQUAL(usage().spilled_bytes, 0);
    CU_ASSERT_TRUE(holds(alive, 8));
    hayi_store_check(store);
}

static void reaping_twice_does_no_harm(void)
{
    hayi_place place = put_backed(3);
    step(place, HAYI_STORE_COMMITTING, 0);
    hayi_store_reap(store, DEAD);
    hayi_store_reap(store, DEAD);
    hayi_store_reap(store, HAYI_STORE_MEMBERS_MAX + 5);
    CU_ASSERT_TRUE(holds(place, 3));
    hayi_store_check(store);
}

static void sealed_objects_of_the_dead_are_listed(void)
{
    hayi_place places[2] = {0, 0};
    hayi_place *left = NULL;
    void *data;
    size_t count = 5;
    (void)put(1); /* of another member */
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hayi_store_create(dead, SIZE, &places[i], &data, &err), HAY_OK);
    }
    hayi_store_seal(dead, places[0], 0); /* the other one never is */
    hayi_store_reap(store, DEAD);
    CU_ASSERT_EQUAL_FATAL(hayi_store_left(store, DEAD, &left, &count), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(left[0], places[0]);
    free(left);
    hayi_store_drop(store, places[0]);
    CU_ASSERT_EQUAL(hayi_store_left(store, DEAD, &left, &count), HAY_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_PTR_NULL(left);
    hayi_store_check(store);
}

/* ---- At the same time -----------------------------------------------------
 */

enum { CROWD = 3, ROUNDS = 20 };

struct crowd {
    _Atomic unsigned ready, done;
    _Atomic uint64_t limits[CROWD];
    _Atomic hayi_place places[CROWD];
};

static void arrive(_Atomic unsigned *count)
{
    atomic_fetch_add(count, 1);
    while (atomic_load(count) < CROWD) {
        (void)sched_yield();
    }
}

/* 0, or a line. */
static int configure_together(struct crowd *crowd,
                              const struct hayi_store_card *card,
                              uint32_t number)
{
    const struct hayi_store_config config = {(number + 1) * 2 * MIB, NULL};
    struct hayi_store *mine;
    struct hayi_store_usage u;
    void *data;
    hayi_place place = 0;
    if (hayi_store_join(card, number + 1, &mine, &err) != HAY_OK) {
        return __LINE__;
    }
    arrive(&crowd->ready);
    bool fine = hayi_store_configure(mine, &config, &err) == HAY_OK;
    if (fine) {
        hayi_store_get_usage(mine, &u);
        atomic_store(&crowd->limits[number], u.limit_bytes);
        fine = hayi_store_create(mine, SIZE, &place, &data, &err) == HAY_OK;
    }
    if (fine) {
        pattern_fill(data, SIZE, number);
        hayi_store_seal(mine, place, 0);
        hayi_store_relieve(mine, 0);
    }
    atomic_store(&crowd->places[number], place);
    arrive(&crowd->done);
    if (!fine) {
        return __LINE__;
    }
    store = mine;
    for (uint32_t i = 0; i < CROWD; i++) {
        if (atomic_load(&crowd->limits[i]) != u.limit_bytes) {
            return __LINE__;
        }
        if (!holds(atomic_load(&crowd->places[i]), i)) {
            return __LINE__;
        }
    }
    return 0;
}

static void members_that_configure_together_agree(void)
{
    struct crowd *crowd = mmap(NULL,
                               sizeof(*crowd),
                               PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS,
                               -1,
                               0);
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(crowd, MAP_FAILED);
    (void)fflush(stdout);
    for (int round = 0; round < ROUNDS; round++) {
        struct hayi_store *bare;
        struct hayi_store_card card;
        *crowd = (struct crowd){.ready = 0};
        CU_ASSERT_EQUAL_FATAL(hayi_store_new(&bare, &err), HAY_OK);
        hayi_store_get_card(bare, &card);
        pid_t pids[CROWD];
        for (uint32_t i = 0; i < CROWD; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                int line = configure_together(crowd, &card, i);
                if (line != 0) {
                    printf("# line %d: %s\n", line, err.text);
                    (void)fflush(stdout);
                }
                _exit(line == 0 ? 0 : 1);
            }
            CU_ASSERT_TRUE_FATAL(pids[i] > 0);
        }
        for (uint32_t i = 0; i < CROWD; i++) {
            int status = -1;
            while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR) {
            }
            CU_ASSERT_EQUAL(status, 0);
        }
        hayi_store_free(bare);
    }
    (void)munmap(crowd, sizeof(*crowd));
}

static CU_TestInfo tests[] = {
    {"pin_takes_an_object_back_from_who_writes_it",
     pin_takes_an_object_back_from_who_writes_it},
    {"object_that_moves_cannot_be_pinned_at_once",
     object_that_moves_cannot_be_pinned_at_once},
    {"dead_in_evicting", dead_in_evicting},
    {"dead_in_committing_with_the_bytes_in_memory",
     dead_in_committing_with_the_bytes_in_memory},
    {"dead_in_committing_with_the_bytes_on_disk",
     dead_in_committing_with_the_bytes_on_disk},
    {"dead_in_restoring", dead_in_restoring},
    {"dead_in_freeing", dead_in_freeing},
    {"dead_with_a_claimed_entry", dead_with_a_claimed_entry},
    {"dead_with_unsealed_objects_in_memory_and_on_disk",
     dead_with_unsealed_objects_in_memory_and_on_disk},
    {"reaping_twice_does_no_harm", reaping_twice_does_no_harm},
    {"sealed_objects_of_the_dead_are_listed",
     sealed_objects_of_the_dead_are_listed},
    {"members_that_configure_together_agree",
     members_that_configure_together_agree},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"data/store_reap", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
