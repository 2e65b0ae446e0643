/* test_run_lock.c - one run at a time on a folder; dead owners block nobody. */
#include "config.h"

#include "journal/run_lock.h"

#include "support/unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNNERS = 8 };

static char place[] = "/tmp/hay-run-lock-XXXXXX";
static char folder[sizeof(place) + 12];
static unsigned number; /* of the test's folder */
static struct hayi_error err;

static int setup_suite(void)
{
    return mkdtemp(place) == NULL;
}

static int clean_suite(void)
{
    char line[sizeof(place) + 20];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", place);
    return system(line) != 0;
}

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "%s/%u", place, number++);
    CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0777), 0);
}

static const char *path_of(const char *name)
{
    static char path[sizeof(folder) + 40];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* Somebody else's, touched so many seconds ago. */
static void forge(const char *name, unsigned epoch, long age_s)
{
    FILE *file = fopen(path_of(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file,
                  "epoch %u\nhost elsewhere\nboot other\npid 17\nstart 5\n"
                  "since 1700000000000000000\nnumber %x\nreleased 0\n",
                  epoch,
                  0xabc0 + epoch);
    (void)fclose(file);
    struct timespec times[2];
    (void)clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age_s;
    times[1] = times[0];
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void owner_is_told_and_gives_back(void)
{
    struct hayi_run_lock *lock = NULL;
    struct hayi_run_owner owner;
    bool alive = false;
    CU_ASSERT_EQUAL(hayi_run_lock_look(folder, &owner, &alive, NULL),
                    HAY_EEMPTY);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_epoch(lock), 1);
    CU_ASSERT_EQUAL(hayi_run_lock_look(folder, &owner, &alive, NULL), HAY_OK);
    CU_ASSERT_TRUE(alive);
    CU_ASSERT_EQUAL(owner.pid, (int32_t)getpid());
    CU_ASSERT_FALSE(hayi_run_lock_check(lock, NULL));
    hayi_run_lock_release(lock);
    CU_ASSERT_EQUAL(hayi_run_lock_look(folder, &owner, &alive, NULL), HAY_OK);
    CU_ASSERT_FALSE(alive);
    CU_ASSERT_TRUE(owner.released);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_epoch(lock), 2);
    hayi_run_lock_release(lock);
}

static void living_owner_is_named(void)
{
    struct hayi_run_lock *lock = NULL;
    struct hayi_run_lock *second = NULL;
    char words[80];
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_take(folder, NULL, &second, &err),
                    HAY_EAGAIN);
    (void)snprintf(words,
                   sizeof(words),
                   "is in use by hayfork (pid %d on ",
                   (int)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ") since 20"));
    hayi_run_lock_release(lock);
}

static void killed_owner_blocks_nobody(void)
{
    struct hayi_run_lock *lock = NULL;
    pid_t child = fork();
    if (child == 0) {
        if (hayi_run_lock_take(folder, NULL, &lock, NULL) != HAY_OK) {
            _exit(1);
        }
        (void)raise(SIGKILL);
    }
    /* Killed and not waited for, it is still in /proc. */
    siginfo_t info;
    (void)waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    CU_ASSERT_EQUAL(info.si_status, SIGKILL);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_epoch(lock), 2);
    CU_ASSERT_FALSE(is_there("run.lock.2"));
    hayi_run_lock_release(lock);
    (void)waitpid(child, NULL, 0);
}

static void silent_owner_elsewhere_blocks_nobody(void)
{
    struct hayi_run_lock *lock = NULL;
    forge("run.lock", 3, 100);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_epoch(lock), 4);
    hayi_run_lock_release(lock);
}

static atomic_bool touch_on;

static void *touch(void *path)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    while (atomic_load(&touch_on)) {
        (void)utimensat(AT_FDCWD, path, NULL, 0);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void heard_owner_elsewhere_is_named(void)
{
    struct hayi_run_lock *lock = NULL;
    pthread_t thread;
    char path[sizeof(folder) + 40];
    forge("run.lock", 3, 1);
    (void)snprintf(path, sizeof(path), "%s", path_of("run.lock"));
    atomic_store(&touch_on, true);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, touch, path), 0);
    CU_ASSERT_EQUAL(hayi_run_lock_take(folder, NULL, &lock, &err), HAY_EAGAIN);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(pid 17 on elsewhere)"));
    atomic_store(&touch_on, false);
    (void)pthread_join(thread, NULL);
}

static void claim_of_a_dead_one_is_passed_over(void)
{
    struct hayi_run_lock *lock = NULL;
    forge("run.lock", 3, 100);
    forge("run.lock.4", 4, 100);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, NULL, &lock, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_run_lock_epoch(lock), 5);
    CU_ASSERT_FALSE(is_there("run.lock.4"));
    CU_ASSERT_FALSE(is_there("run.lock.5"));
    hayi_run_lock_release(lock);
}

static void take_over_is_noticed(void)
{
    struct hayi_run_lock *lock = NULL;
    struct hayi_bell bell;
    char path[sizeof(folder) + 40];
    CU_ASSERT_EQUAL_FATAL(hayi_bell_init(&bell), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_run_lock_take(folder, &bell, &lock, &err),
                          HAY_OK);
    hayi_bell_announce(&bell);
    forge("other", 2, 0);
    (void)snprintf(path, sizeof(path), "%s", path_of("other"));
    CU_ASSERT_EQUAL(rename(path, path_of("run.lock")), 0);
    struct pollfd wait = {.fd = bell.fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&wait, 1, 60000), 1);
    CU_ASSERT_TRUE(hayi_run_lock_lost(lock, &err));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "was taken over by hayfork (pid 17 on elsewhere)"));
    hayi_run_lock_release(lock);
    struct hayi_run_owner owner;
    bool alive;
    CU_ASSERT_EQUAL(hayi_run_lock_look(folder, &owner, &alive, NULL), HAY_OK);
    CU_ASSERT_EQUAL(owner.pid, 17); /* it was not given back for the other */
    hayi_bell_fini(&bell);
}

/* Says by a byte whether it has got it, and keeps it until it is told. */
static void race(int start, int told, int over)
{
    struct hayi_run_lock *lock;
    char byte;
    (void)!read(start, &byte, 1); /* until the other end is closed */
    byte = hayi_run_lock_take(folder, NULL, &lock, NULL) == HAY_OK ? 'y' : 'n';
    (void)!write(told, &byte, 1);
    (void)!read(over, &byte, 1);
    _exit(0);
}

static void one_of_many_gets_it(void)
{
    int start[2];
    int told[2];
    int over[2];
    forge("run.lock", 3, 100);
    CU_ASSERT_EQUAL_FATAL(pipe(start) | pipe(told) | pipe(over), 0);
    for (int i = 0; i < RUNNERS; i++) {
        if (fork() == 0) {
            (void)close(start[1]);
            (void)close(over[1]);
            race(start[0], told[1], over[0]);
        }
    }
    (void)close(start[0]);
    (void)close(start[1]);
    (void)close(told[1]);
    int winners = 0;
    for (int i = 0; i < RUNNERS; i++) {
        char byte = 0;
        CU_ASSERT_EQUAL(read(told[0], &byte, 1), 1);
        winners += byte == 'y';
    }
    CU_ASSERT_EQUAL(winners, 1);
    (void)close(over[0]);
    (void)close(over[1]);
    (void)close(told[0]);
    for (int i = 0; i < RUNNERS; i++) {
        (void)wait(NULL);
    }
}

static CU_TestInfo tests[] = {
    {"owner_is_told_and_gives_back", owner_is_told_and_gives_back},
    {"living_owner_is_named", living_owner_is_named},
    {"killed_owner_blocks_nobody", killed_owner_blocks_nobody},
    {"silent_owner_elsewhere_blocks_nobody",
     silent_owner_elsewhere_blocks_nobody},
    {"heard_owner_elsewhere_is_named", heard_owner_elsewhere_is_named},
    {"claim_of_a_dead_one_is_passed_over", claim_of_a_dead_one_is_passed_over},
    {"take_over_is_noticed", take_over_is_noticed},
    {"one_of_many_gets_it", one_of_many_gets_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"journal/run_lock", setup_suite, clean_suite, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
