/* test_store_processes.c - a store under disaster: members that are killed at
 * any moment, and disks that are full. */
#include "config.h"

#include "data/store.h"

#include "support/pattern.h"
#include "support/unit.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

enum { SLOTS = 24, MEMBERS = 3, ROUNDS = 100, OBJECT_MAX = 300 * 1024 };

/* What the processes tell each other. */
struct board {
    _Atomic hayi_place slots[SLOTS];
    /* On their way into a slot and out of it; dead members leave them. */
    _Atomic hayi_place incoming[MEMBERS], outgoing[MEMBERS];
    _Atomic uint64_t wrong;
    _Atomic uint64_t made, read;
};

static struct board *board;
static struct hayi_store *store;
static struct hayi_store_card card;
static struct hayi_error err;

static int setup_suite(void)
{
    board = mmap(NULL,
                 sizeof(*board),
                 PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS,
                 -1,
                 0);
    return board == MAP_FAILED;
}

static int clean_suite(void)
{
    return munmap(board, sizeof(*board));
}

static void setup(void)
{
    memset(board, 0, sizeof(*board));
    store = NULL;
    err.text[0] = 0;
}

static void teardown(void)
{
    hayi_store_free(store);
}

static void open_store(uint64_t limit_bytes, const char *folder)
{
    const struct hayi_store_config config = {limit_bytes, folder};
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &config, &err), HAY_OK);
    hayi_store_get_card(store, &card);
}

/* In a child: our view of the parent's store. */
static struct hayi_store *join(uint32_t member)
{
    const struct hayi_store_config config = {0, NULL};
    struct hayi_store *mine;
    if (hayi_store_join(&card, member, &mine, &err) != HAY_OK
        || hayi_store_configure(mine, &config, &err) != HAY_OK) {
        return NULL;
    }
    return mine;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* The end of a child; negative: its signal. */
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- Killed at any moment -------------------------------------------------
 */

static void put_one(struct hayi_store *mine, uint32_t me, uint64_t *seed)
{
    hayi_place place, old;
    void *data;
    uint64_t size = 8 + next_random(seed) % OBJECT_MAX;
    _Atomic hayi_place *slot = &board->slots[next_random(seed) % SLOTS];
    if (hayi_store_create(mine, size, &place, &data, &err) != HAY_OK) {
        board->wrong++;
        return;
    }
    pattern_fill(data, size, size);
    atomic_store(&board->incoming[me], place);
    /* Replicas may go without a word, so they come back as HAY_EEMPTY. */
    hayi_store_seal(mine, place, next_random(seed) % 4 == 0 ? place : 0);
    old = atomic_load(slot);
    do {
        atomic_store(&board->outgoing[me], old);
    } while (!atomic_compare_exchange_strong(slot, &old, place));
    hayi_store_drop(mine, old);
    board->made++;
}

static void read_one(struct hayi_store *mine, uint64_t *seed)
{
    const void *data;
    uint64_t size;
    hayi_place place = atomic_load(&board->slots[next_random(seed) % SLOTS]);
    hay_status status = hayi_store_pin(mine, place, &data, &size, &err);
    if (status == HAY_OK) {
        board->wrong += pattern_is_in(data, size, size) ? 0 : 1;
        hayi_store_unpin(mine, place);
        board->read++;
    } else if (status != HAY_EEMPTY) {
        board->wrong++;
    }
}

static void live(struct hayi_store *mine, uint32_t me, uint64_t seed, int steps)
{
    uint64_t names[16];
    for (int i = 0; i < steps; i++) {
        put_one(mine, me, &seed);
        read_one(mine, &seed);
        read_one(mine, &seed);
        if (next_random(&seed) % 8 == 0) {
            hayi_store_relieve(mine, 500);
        }
        while (hayi_store_take_gone(mine, names, 16) == 16) {
        }
    }
}

static void die(int number)
{
    (void)number;
    (void)kill(getpid(), SIGKILL);
}

/* life_us: how long, 0: until it has done its steps. */
static pid_t start(uint32_t me, uint64_t seed, long life_us, int steps)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct hayi_store *mine = join(me);
        if (mine == NULL) {
            _exit(3);
        }
        if (life_us > 0) {
            const struct itimerval when = {{0, 0}, {0, life_us}};
            (void)signal(SIGALRM, die);
            (void)setitimer(ITIMER_REAL, &when, NULL);
        }
        live(mine, me, seed, life_us > 0 ? 1000000 : steps);
        _exit(0);
    }
    CU_ASSERT_TRUE_FATAL(pid > 0);
    return pid;
}

static bool is_in_a_slot(hayi_place place)
{
    for (int i = 0; i < SLOTS; i++) {
        if (atomic_load(&board->slots[i]) == place) {
            return true;
        }
    }
    return false;
}

/* It died with these in its hands. */
static void drop_hands(uint32_t member)
{
    hayi_place in = atomic_exchange(&board->incoming[member], 0);
    hayi_place out = atomic_exchange(&board->outgoing[member], 0);
    if (!is_in_a_slot(in)) {
        hayi_store_drop(store, in);
    }
    if (!is_in_a_slot(out)) {
        hayi_store_drop(store, out);
    }
}

static void members_die_at_any_moment_and_the_others_go_on(void)
{
    open_store(2 * MIB, NULL);
    (void)fflush(stdout);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t seed = 77 + (uint64_t)round * 2;
        pid_t lives = start(1, seed, 0, 20);
        pid_t dies =
            start(2, seed + 1, 100 + (long)next_random(&seed) % 5000, 0);
        int end = wait_for(dies);
        CU_ASSERT_EQUAL(end, -SIGKILL);
        hayi_store_reap(store, 2); /* while the other goes on */
        CU_ASSERT_EQUAL(wait_for(lives), 0);
        hayi_store_reap(store, 1);
        hayi_store_check(store);
        drop_hands(1);
        drop_hands(2);
        for (uint64_t i = 0; i < SLOTS; i++) {
            seed = i;
            read_one(store, &seed);
        }
    }
    CU_ASSERT_EQUAL(atomic_load(&board->wrong), 0);
    CU_ASSERT_TRUE(atomic_load(&board->made) >= ROUNDS * 20);
    struct hayi_store_usage u;
    hayi_store_get_usage(store, &u);
    CU_ASSERT_TRUE(u.spills > 0 && u.restores > 0 && u.drops > 0);
    for (int i = 0; i < SLOTS; i++) {
        hayi_store_drop(store, atomic_load(&board->slots[i]));
    }
    hayi_store_check(store);
    hayi_store_get_usage(store, &u);
    printf("# made %llu read %llu left: %llu bytes in memory, %llu on disk, "
           "%llu objects\n",
           (unsigned long long)board->made,
           (unsigned long long)board->read,
           (unsigned long long)u.used_bytes,
           (unsigned long long)u.spilled_bytes,
           (unsigned long long)u.object_count);
    /* A few may leak; most of the store is as new. */
    CU_ASSERT_TRUE(u.used_bytes <= MIB);
}

static void processes_share_a_store_that_is_too_small(void)
{
    open_store(2 * MIB, NULL);
    (void)fflush(stdout);
    pid_t one = start(1, 1, 0, 400), two = start(2, 2, 0, 400);
    CU_ASSERT_EQUAL(wait_for(one), 0);
    CU_ASSERT_EQUAL(wait_for(two), 0);
    CU_ASSERT_EQUAL(atomic_load(&board->wrong), 0);
    CU_ASSERT_EQUAL(atomic_load(&board->made), 800);
    hayi_store_check(store); /* all units are accounted for */
    for (int i = 0; i < SLOTS; i++) {
        hayi_store_drop(store, atomic_load(&board->slots[i]));
    }
    hayi_store_check(store);
    struct hayi_store_usage u;
    hayi_store_get_usage(store, &u);
    CU_ASSERT_EQUAL(u.used_bytes, 0);
    CU_ASSERT_EQUAL(u.spilled_bytes, 0);
    CU_ASSERT_EQUAL(u.object_count, 0);
}

/* ---- A full disk ----------------------------------------------------------
 */

enum { FULL_OK = 0, FULL_WRONG = 1, FULL_SKIP = 77 };

static bool is_here(struct hayi_store *mine, hayi_place place, uint64_t seed)
{
    const void *data;
    uint64_t size;
    if (hayi_store_pin(mine, place, &data, &size, &err) != HAY_OK) {
        return false;
    }
    bool same = size == MIB && pattern_is_in(data, size, seed);
    hayi_store_unpin(mine, place);
    return same;
}

/* Fill memory and disk; nothing is lost, and what is freed can be used.
 * What was wrong: a line number. */
static int fill_until_full(struct hayi_store *mine, const char *folder)
{
    enum { COUNT = 200 };
    static hayi_place places[COUNT];
    hayi_place place = 5;
    void *data;
    uint64_t count = 0;
    hay_status status = HAY_OK;
    while (count < COUNT) {
        status = hayi_store_create(mine, MIB, &place, &data, &err);
        if (status != HAY_OK) {
            break;
        }
        pattern_fill(data, MIB, count);
        hayi_store_seal(mine, place, 0);
        places[count++] = place;
    }
    if (status != HAY_EIO || count < 4) {
        return __LINE__;
    }
    if (strstr(err.text, folder) == NULL
        || strstr(err.text, "object of 1048576 bytes") == NULL) {
        return __LINE__;
    }
    struct hayi_store_usage u;
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < count; i++) {
            if (!is_here(mine, places[i], i)) {
                return __LINE__;
            }
        }
        hayi_store_get_usage(mine, &u);
        if (u.object_count != count || u.used_bytes > u.limit_bytes) {
            return __LINE__;
        }
    }
    hayi_store_drop(mine, places[0]);
    if (hayi_store_create(mine, MIB, &place, &data, &err) != HAY_OK) {
        return __LINE__;
    }
    pattern_fill(data, MIB, 0);
    hayi_store_seal(mine, place, 0);
    places[0] = place;
    for (uint64_t i = 0; i < count; i++) {
        if (!is_here(mine, places[i], i)) {
            return __LINE__;
        }
        hayi_store_drop(mine, places[i]);
    }
    hayi_store_check(mine);
    return FULL_OK;
}

static int with_small_tmpfs(void)
{
    const struct hayi_store_config config = {4 * MIB, "/mnt"};
    if (unshare(CLONE_NEWNS) != 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
        || mount("none", "/mnt", "tmpfs", 0, "size=5m") != 0) {
        return FULL_SKIP;
    }
    if (hayi_store_new(&store, &err) != HAY_OK
        || hayi_store_configure(store, &config, &err) != HAY_OK) {
        return FULL_WRONG;
    }
    return fill_until_full(store, "/mnt");
}

static char folder[100];

static int with_small_files(void)
{
    const struct rlimit few = {6 * MIB, 6 * MIB};
    if (setrlimit(RLIMIT_FSIZE, &few) != 0) {
        return FULL_SKIP;
    }
    struct hayi_store *mine = join(1);
    return mine == NULL ? FULL_WRONG : fill_until_full(mine, folder);
}

/* What this process has of addresses, and so much more. */
static bool limit_addresses(uint64_t more_bytes)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bool read = file != NULL && fscanf(file, "%lu", &pages) == 1;
    if (file != NULL) {
        (void)fclose(file);
    }
    const struct rlimit few = {pages * 4096 + more_bytes,
                               pages * 4096 + more_bytes};
    return read && setrlimit(RLIMIT_AS, &few) == 0;
}

/* Under batch systems that limit the memory of a job so. */
static int with_few_addresses(void)
{
    const struct hayi_store_config usual = {.spill_folder = ""};
    struct hayi_store *mine = NULL;
    hayi_place place = 0;
    void *room = NULL;
    const void *data = NULL;
    uint64_t size = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return FULL_SKIP;
#endif
    if (!limit_addresses((uint64_t)200 * MIB)) {
        return FULL_SKIP;
    }
    if (hayi_store_new(&mine, &err) != HAY_OK
        || hayi_store_configure(mine, &usual, &err) != HAY_OK) {
        return __LINE__;
    }
    /* More objects one after the other than can be told apart at a time. */
    for (int i = 0; i < 100000; i++) {
        if (hayi_store_create(mine, 9, &place, &room, &err) != HAY_OK) {
            return __LINE__;
        }
        memcpy(room, "few bytes", 9);
        hayi_store_seal(mine, place, 0);
        if (hayi_store_pin(mine, place, &data, &size, &err) != HAY_OK
            || memcmp(data, "few bytes", 9) != 0) {
            return __LINE__;
        }
        hayi_store_unpin(mine, place);
        hayi_store_drop(mine, place);
    }
    /* As many at a time as there may be, and then one more. */
    int count = 0;
    while (hayi_store_create(mine, 9, &place, &room, &err) == HAY_OK) {
        count++;
    }
    if (count == 0
        || hayi_store_pin(mine, UINT64_C(1) << 32 | 0xfffff, &data, &size, &err)
               != HAY_EEMPTY) {
        return __LINE__;
    }
    hayi_store_drop(mine, UINT64_C(1) << 32 | 0xfffff);
    hayi_store_free(mine);
    return FULL_OK;
}

static void check_full(int (*work)(void))
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int line = work();
        if (line != FULL_OK && line != FULL_SKIP) {
            printf("# line %d: %s\n", line, err.text);
            (void)fflush(stdout);
            line = FULL_WRONG;
        }
        _exit(line);
    }
    int end = wait_for(pid);
    if (end == FULL_SKIP) {
        hayi_unit_skip("needs to mount, or to limit the size of files");
    } else {
        CU_ASSERT_EQUAL(end, FULL_OK);
    }
}

static void full_disk_is_told_and_nothing_is_lost(void)
{
    check_full(with_small_tmpfs);
}

static void few_addresses_are_room_for_a_store(void)
{
    check_full(with_few_addresses);
}

static void make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(folder,
                   sizeof(folder),
                   "%.60s/store-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void file_size_limit_is_a_full_disk(void)
{
    make_folder();
    open_store(4 * MIB, folder);
    check_full(with_small_files);
    hayi_store_reap(store, 1);
    hayi_store_check(store);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* ---- Names, sizes ---------------------------------------------------------
 */

static int count_names(const char *path)
{
    DIR *dir = opendir(path);
    int count = -2; /* . and .. */
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void nothing_of_it_has_a_name(void)
{
    char line[400];
    make_folder();
    open_store(MIB, folder);
    hayi_place place;
    void *data;
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hayi_store_create(store, MIB, &place, &data, &err), HAY_OK);
        pattern_fill(data, MIB, 1);
        hayi_store_seal(store, place, 0);
    }
    CU_ASSERT_EQUAL(count_names(folder), 0);
    /* Each mapping of the memory file is one of a deleted file. */
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *words[6], *rest = line;
        for (int i = 0; i < 5; i++) {
            words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        }
        if (words[4] != NULL && strtoull(words[4], NULL, 10) == card.inode
            && strstr(rest, "hayfork") != NULL) {
            CU_ASSERT_PTR_NOT_NULL(strstr(rest, "(deleted)"));
            found++;
        }
    }
    (void)fclose(maps);
    CU_ASSERT_TRUE(found >= 2);
    CU_ASSERT_EQUAL(rmdir(folder), 0); /* and it goes on without */
    CU_ASSERT_TRUE(is_here(store, place, 1));
    hayi_store_check(store);
}

static void object_of_three_gigabytes_has_room(void)
{
    const uint64_t size = 3 * 1024 * MIB + 1;
    hayi_place place;
    void *data;
    open_store(4 * MIB, NULL);
    hay_status status = hayi_store_create(store, size, &place, &data, &err);
    if (status == HAY_EIO) {
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "3221225473 bytes"));
        hayi_unit_skip("the disk has no 3 GiB");
        return;
    }
    CU_ASSERT_EQUAL_FATAL(status, HAY_OK);
    ((char *)data)[0] = 1;
    ((char *)data)[size - 1] = 2;
    hayi_store_seal(store, place, 0);
    const void *bytes;
    uint64_t got;
    CU_ASSERT_EQUAL_FATAL(hayi_store_pin(store, place, &bytes, &got, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(got, size);
    CU_ASSERT_EQUAL(((const char *)bytes)[0], 1);
    CU_ASSERT_EQUAL(((const char *)bytes)[size - 1], 2);
    hayi_store_unpin(store, place);
    hayi_store_drop(store, place);
    hayi_store_check(store);
}

static CU_TestInfo tests[] = {
    {"processes_share_a_store_that_is_too_small",
     processes_share_a_store_that_is_too_small},
    {"members_die_at_any_moment_and_the_others_go_on",
     members_die_at_any_moment_and_the_others_go_on},
    {"few_addresses_are_room_for_a_store", few_addresses_are_room_for_a_store},
    {"full_disk_is_told_and_nothing_is_lost",
     full_disk_is_told_and_nothing_is_lost},
    {"file_size_limit_is_a_full_disk", file_size_limit_is_a_full_disk},
    {"nothing_of_it_has_a_name", nothing_of_it_has_a_name},
    {"object_of_three_gigabytes_has_room", object_of_three_gigabytes_has_room},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"data/store_processes", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
