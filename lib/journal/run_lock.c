/* run_lock.c - see run_lock.h.
 *
 * Taking over: whoever finds the owner of epoch N dead links its own file to
 * "run.lock.<N+1>"; only one can.  It then looks whether run.lock is still
 * that of epoch N (else somebody has been quicker), and renames its claim over
 * it.  A claimant that dies on the way leaves its claim; the next one takes
 * N+2, and so on.  What is left of claims is removed by who gets through.
 *
 * An owner that was stopped for so long that it seemed dead finds out at its
 * next touch, or before its next write (hayi_run_lock_check()).
 */
#include "config.h"

#include "journal/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

enum {
    BEAT_S = 2,
    FRESH_S = 10,   /* after a touch no look is needed */
    SILENCE_S = 30, /* an owner on another host is dead */
    LOOK_MS = 250,
    TRIES_MAX = 1000,
    CLAIMS_MAX = 1000,
    TEXT_MAX = 1024,
};

struct hayi_run_lock {
    char *folder;
    struct hayi_bell *bell;
    struct hayi_run_owner me;
    int fd; /* our file, which is run.lock while we have it */
    char own[32];
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    /* mutex */
    bool stop;
    struct hayi_error error;
    /* any thread */
    atomic_bool lost;
    atomic_uint_fast64_t beat_ns; /* boot time of the last touch */
};

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- texts -----------------------------------------------------------------
 */

/* false: too long. */
static bool
name_file(char path[4096], const char *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool
name_file(char path[4096], const char *folder, const char *format, ...)
{
    char name[64];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(name, sizeof(name), format, list);
    va_end(list);
    int n = snprintf(path, 4096, "%s/%s", folder, name);
    return n > 0 && n < 4096;
}

static bool
read_text(const char *path, char *text, size_t size, struct timespec *touched)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, size - 1);
    bool done = n >= 0 && (touched == NULL || fstat(fd, &about) == 0);
    int error = errno;
    (void)close(fd);
    errno = error;
    if (done) {
        text[n] = 0;
        if (touched != NULL) {
            *touched = about.st_mtim;
        }
    }
    return done;
}

/* The value of a line "name value"; "" if there is none. */
static void
get_value(const char *text, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    value[0] = 0;
    for (const char *line = text; line != NULL && *line != 0;) {
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            const char *from = line + length + 1;
            size_t count = strcspn(from, "\n");
            count = count < size ? count : size - 1;
            memcpy(value, from, count);
            value[count] = 0;
            return;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

static uint64_t get_number(const char *text, const char *name, int base)
{
    char value[40];
    get_value(text, name, value, sizeof(value));
    return strtoull(value, NULL, base);
}

/* What is no lock's text is an owner of epoch 0 that nobody knows. */
static void parse(const char *text, struct hayi_run_owner *owner)
{
    *owner = (struct hayi_run_owner){
        .epoch = (uint32_t)get_number(text, "epoch", 10),
        .pid = (int32_t)get_number(text, "pid", 10),
        .since_ns = get_number(text, "since", 10),
        .start = get_number(text, "start", 10),
        .number = get_number(text, "number", 16),
        .released = get_number(text, "released", 10) != 0,
    };
    get_value(text, "host", owner->host, sizeof(owner->host));
    get_value(text, "boot", owner->boot, sizeof(owner->boot));
}

static int print(const struct hayi_run_owner *owner, char *text, size_t size)
{
    return snprintf(text,
                    size,
                    "epoch %" PRIu32 "\nhost %s\nboot %s\npid %" PRId32
                    "\nstart %" PRIu64 "\nsince %" PRIu64 "\nnumber %" PRIx64
                    "\nreleased %d\n",
                    owner->epoch,
                    owner->host,
                    owner->boot,
                    owner->pid,
                    owner->start,
                    owner->since_ns,
                    owner->number,
                    owner->released);
}

static void word_time(uint64_t since_ns, char *text, size_t size)
{
    time_t seconds = (time_t)(since_ns / NS_PER_S);
    struct tm parts;
    if (localtime_r(&seconds, &parts) == NULL
        || strftime(text, size, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        (void)snprintf(text, size, "%" PRIu64, since_ns / NS_PER_S);
    }
}

/* ---- who lives -------------------------------------------------------------
 */

/* Field 22 of /proc/PID/stat; 0: there is no such process, or only what is
 * left of it.  known: could be looked at. */
static uint64_t process_start(int32_t pid, bool *known)
{
    char path[64];
    char text[TEXT_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId32 "/stat", pid);
    *known = true;
    if (!read_text(path, text, sizeof(text), NULL)) {
        *known = pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
        return 0;
    }
    const char *field = strrchr(text, ')');
    if (field == NULL || field[1] == 0) {
        *known = false;
        return 0;
    }
    field += 2; /* field 3, the state */
    if (*field == 'Z' || *field == 'X') {
        return 0;
    }
    for (int i = 3; i < 22 && field != NULL; i++) {
        field = strchr(field, ' ');
        field = field != NULL ? field + 1 : NULL;
    }
    return field != NULL ? strtoull(field, NULL, 10) : 0;
}

/* The kernel that runs, and whose numbers pids are. */
static void name_boot(char *text, size_t size)
{
    char id[64] = "";
    char space[64] = "";
    (void)read_text("/proc/sys/kernel/random/boot_id", id, sizeof(id), NULL);
    id[strcspn(id, "\n")] = 0;
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    space[n > 0 ? n : 0] = 0;
    (void)snprintf(text, size, "%.36s/%.24s", id, space);
}

enum life { DEAD, ALIVE, UNKNOWN };

/* By what can be seen here and now. */
static enum life look_here(const struct hayi_run_owner *owner)
{
    char boot[sizeof(owner->boot)];
    bool known;
    if (owner->released) {
        return DEAD;
    }
    name_boot(boot, sizeof(boot));
    if (owner->boot[0] == 0 || boot[0] == '/'
        || strcmp(owner->boot, boot) != 0) {
        return UNKNOWN;
    }
    uint64_t start = process_start(owner->pid, &known);
    if (!known) {
        return UNKNOWN;
    }
    return start != 0 && start == owner->start ? ALIVE : DEAD;
}

static int64_t seconds_between(struct timespec from, struct timespec to)
{
    return (int64_t)to.tv_sec - (int64_t)from.tv_sec;
}

/* An owner elsewhere: does it touch its file?  Our own file, touched too,
 * tells the time of the file system. */
static enum life listen(const struct hayi_run_lock *lock, const char *path)
{
    char text[TEXT_MAX];
    struct timespec first;
    struct timespec now;
    struct stat own;
    if (!read_text(path, text, sizeof(text), &first)) {
        return UNKNOWN;
    }
    uint64_t end_ns = read_clock(CLOCK_MONOTONIC) + (SILENCE_S + 1) * NS_PER_S;
    while (read_clock(CLOCK_MONOTONIC) < end_ns) {
        const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
        if (futimens(lock->fd, NULL) == 0 && fstat(lock->fd, &own) == 0
            && seconds_between(first, own.st_mtim) > SILENCE_S) {
            return DEAD;
        }
        (void)nanosleep(&pause, NULL);
        if (!read_text(path, text, sizeof(text), &now)) {
            return UNKNOWN;
        }
        if (now.tv_sec != first.tv_sec || now.tv_nsec != first.tv_nsec) {
            return ALIVE;
        }
    }
    return DEAD;
}

/* ---- taking ----------------------------------------------------------------
 */

static hay_status no_file(const struct hayi_run_lock *lock,
                          struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EIO,
                     "%s/run.lock cannot be made: %s",
                     lock->folder,
                     strerror(errno));
}

/* Our file says who we are. */
static hay_status write_own(struct hayi_run_lock *lock, struct hayi_error *err)
{
    char text[TEXT_MAX];
    int size = print(&lock->me, text, sizeof(text));
    if (pwrite(lock->fd, text, (size_t)size, 0) != size
        || ftruncate(lock->fd, size) != 0) {
        return no_file(lock, err);
    }
    return HAY_OK;
}

static hay_status make_own(struct hayi_run_lock *lock, struct hayi_error *err)
{
    char path[4096];
    (void)snprintf(
        lock->own, sizeof(lock->own), "run.lock-%" PRIx64, lock->me.number);
    if (!name_file(path, lock->folder, "%s", lock->own)) {
        return hayi_fail(
            err, HAY_EINVAL, "%s: the path is too long", lock->folder);
    }
    lock->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return lock->fd >= 0 ? write_own(lock, err) : no_file(lock, err);
}

static void remove_own(const struct hayi_run_lock *lock)
{
    char path[4096];
    if (name_file(path, lock->folder, "%s", lock->own)) {
        (void)unlink(path);
    }
}

/* Give our file one more name.  false: the name is taken (errno EEXIST), or it
 * cannot be done.  A network file system may do it and say that it has not. */
static bool link_own(const struct hayi_run_lock *lock, const char *name)
{
    char path[4096];
    struct stat about;
    if (!name_file(path, lock->folder, "%s", lock->own)) {
        return false;
    }
    if (link(path, name) == 0) {
        return true;
    }
    int error = errno;
    bool done = fstat(lock->fd, &about) == 0 && about.st_nlink == 2;
    errno = error;
    return done;
}

static hay_status refuse(const struct hayi_run_lock *lock,
                         const struct hayi_run_owner *owner,
                         struct hayi_error *err)
{
    char since[40];
    word_time(owner->since_ns, since, sizeof(since));
    return hayi_fail(err,
                     HAY_EAGAIN,
                     "%s is in use by hayfork (pid %" PRId32 " on %s) since %s",
                     lock->folder,
                     owner->pid,
                     owner->host[0] != 0 ? owner->host : "an unknown host",
                     since);
}

enum step { TAKEN, AGAIN, REFUSED, STUCK };

/* Who holds 'path' is alive.  false: nobody holds it any more, or is dead. */
static enum life judge(const struct hayi_run_lock *lock,
                       const char *path,
                       struct hayi_run_owner *owner)
{
    char text[TEXT_MAX];
    if (!read_text(path, text, sizeof(text), NULL)) {
        return UNKNOWN;
    }
    parse(text, owner);
    enum life life = look_here(owner);
    return life == UNKNOWN ? listen(lock, path) : life;
}

/* Our claim of lock->me.epoch is there: it holds if run.lock is still that of
 * the dead one. */
static enum step use_claim(struct hayi_run_lock *lock,
                           const struct hayi_run_owner *dead,
                           const char *claim,
                           struct hayi_error *err)
{
    char text[TEXT_MAX];
    char path[4096];
    struct hayi_run_owner now;
    if (!name_file(path, lock->folder, "run.lock")
        || !read_text(path, text, sizeof(text), NULL)) {
        (void)unlink(claim);
        return AGAIN;
    }
    parse(text, &now);
    if (now.epoch != dead->epoch || now.number != dead->number) {
        (void)unlink(claim);
        return AGAIN;
    }
    if (rename(claim, path) != 0) {
        (void)no_file(lock, err);
        (void)unlink(claim);
        return STUCK;
    }
    for (uint32_t epoch = dead->epoch + 1; epoch < lock->me.epoch; epoch++) {
        if (name_file(path, lock->folder, "run.lock.%" PRIu32, epoch)) {
            (void)unlink(path);
        }
    }
    return TAKEN;
}

static enum step take_over(struct hayi_run_lock *lock,
                           const struct hayi_run_owner *dead,
                           struct hayi_error *err)
{
    char claim[4096];
    for (uint32_t i = 1; i <= CLAIMS_MAX; i++) {
        struct hayi_run_owner other;
        lock->me.epoch = dead->epoch + i;
        if (!name_file(claim, lock->folder, "run.lock.%" PRIu32, lock->me.epoch)
            || write_own(lock, err) != HAY_OK) {
            return STUCK;
        }
        if (link_own(lock, claim)) {
            return use_claim(lock, dead, claim, err);
        }
        if (errno != EEXIST) {
            (void)no_file(lock, err);
            return STUCK;
        }
        if (judge(lock, claim, &other) != DEAD) {
            return AGAIN; /* somebody is about to have it, or has it */
        }
    }
    (void)hayi_fail(err, HAY_EIO, "%s: too many run.lock.*", lock->folder);
    return STUCK;
}

static enum step try_once(struct hayi_run_lock *lock, struct hayi_error *err)
{
    char path[4096];
    char text[TEXT_MAX];
    struct hayi_run_owner owner;
    if (!name_file(path, lock->folder, "run.lock")) {
        return STUCK;
    }
    if (!read_text(path, text, sizeof(text), NULL)) {
        lock->me.epoch = 1;
        if (errno != ENOENT) {
            (void)no_file(lock, err);
            return STUCK;
        }
        if (write_own(lock, err) != HAY_OK) {
            return STUCK;
        }
        if (link_own(lock, path)) {
            return TAKEN;
        }
        if (errno == EEXIST) {
            return AGAIN;
        }
        (void)no_file(lock, err);
        return STUCK;
    }
    enum life life = judge(lock, path, &owner);
    if (life == ALIVE) {
        (void)refuse(lock, &owner, err);
        return REFUSED;
    }
    return life == DEAD ? take_over(lock, &owner, err) : AGAIN;
}

static hay_status take(struct hayi_run_lock *lock, struct hayi_error *err)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < TRIES_MAX; i++) {
        switch (try_once(lock, err)) {
        case TAKEN:
            return HAY_OK;
        case REFUSED:
            return HAY_EAGAIN;
        case STUCK:
            return HAY_EIO;
        case AGAIN:
            (void)nanosleep(&pause, NULL);
            break;
        }
    }
    return hayi_fail(
        err, HAY_EIO, "%s/run.lock changes all the time", lock->folder);
}

/* ---- keeping ---------------------------------------------------------------
 */

static void lose(struct hayi_run_lock *lock, const struct hayi_run_owner *by)
{
    (void)pthread_mutex_lock(&lock->mutex);
    if (!atomic_load(&lock->lost)) {
        if (by != NULL) {
            (void)hayi_fail(&lock->error,
                            HAY_EFARM,
                            "%s was taken over by hayfork (pid %" PRId32
                            " on %s)",
                            lock->folder,
                            by->pid,
                            by->host);
        } else {
            (void)hayi_fail(&lock->error,
                            HAY_EFARM,
                            "%s/run.lock is gone: somebody else may run there",
                            lock->folder);
        }
        atomic_store(&lock->lost, true);
    }
    (void)pthread_mutex_unlock(&lock->mutex);
    if (lock->bell != NULL) {
        hayi_bell_ring(lock->bell);
    }
}

/* Touch it, and look whether it is ours. */
static void beat(struct hayi_run_lock *lock)
{
    char path[4096];
    char text[TEXT_MAX];
    struct hayi_run_owner now;
    uint64_t at = read_clock(CLOCK_BOOTTIME);
    if (atomic_load(&lock->lost)) {
        return;
    }
    (void)name_file(path, lock->folder, "run.lock");
    if (!read_text(path, text, sizeof(text), NULL)) {
        if (errno == ENOENT) {
            lose(lock, NULL);
        }
        return; /* who cannot look knows nothing */
    }
    parse(text, &now);
    if (now.number != lock->me.number) {
        lose(lock, &now);
    } else if (futimens(lock->fd, NULL) == 0) {
        atomic_store(&lock->beat_ns, at);
    }
}

static void *minder(void *context)
{
    struct hayi_run_lock *lock = context;
    (void)pthread_mutex_lock(&lock->mutex);
    while (!lock->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BEAT_S;
        int rc = 0;
        while (!lock->stop && rc == 0) {
            rc = pthread_cond_timedwait(&lock->cond, &lock->mutex, &until);
        }
        if (!lock->stop) {
            (void)pthread_mutex_unlock(&lock->mutex);
            beat(lock);
            (void)pthread_mutex_lock(&lock->mutex);
        }
    }
    (void)pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

/* No signal of the program's is handled on a thread of ours. */
static int start_minder(struct hayi_run_lock *lock)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&lock->thread, NULL, minder, lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    lock->threaded = rc == 0;
    return rc;
}

static void free_lock(struct hayi_run_lock *lock)
{
    if (lock->fd >= 0) {
        (void)close(lock->fd);
    }
    (void)pthread_mutex_destroy(&lock->mutex);
    (void)pthread_cond_destroy(&lock->cond);
    free(lock->folder);
    free(lock);
}

static void init_threads(struct hayi_run_lock *lock)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&lock->cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&lock->mutex, NULL);
}

static void describe_me(struct hayi_run_owner *me)
{
    bool known;
    me->pid = (int32_t)getpid();
    me->since_ns = read_clock(CLOCK_REALTIME);
    me->start = process_start(me->pid, &known);
    if (gethostname(me->host, sizeof(me->host) - 1) != 0) {
        (void)snprintf(me->host, sizeof(me->host), "localhost");
    }
    name_boot(me->boot, sizeof(me->boot));
    if (getrandom(&me->number, sizeof(me->number), GRND_NONBLOCK)
        != (ssize_t)sizeof(me->number)) {
        me->number = me->since_ns ^ (uint64_t)me->pid << 40;
    }
}

hay_status hayi_run_lock_take(const char *folder,
                              struct hayi_bell *bell,
                              struct hayi_run_lock **out,
                              struct hayi_error *err)
{
    struct hayi_run_lock *lock = calloc(1, sizeof(*lock));
    if (lock == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    lock->fd = -1;
    lock->bell = bell;
    init_threads(lock);
    describe_me(&lock->me);
    lock->folder = strdup(folder);
    if (lock->folder == NULL) {
        free_lock(lock);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    hay_status status = make_own(lock, err);
    if (status == HAY_OK) {
        status = take(lock, err);
    }
    remove_own(lock);
    atomic_store(&lock->beat_ns, read_clock(CLOCK_BOOTTIME));
    if (status == HAY_OK && start_minder(lock) != 0) {
        hayi_run_lock_release(lock);
        return hayi_fail(err, HAY_ENOMEM, "no thread can be started");
    }
    if (status != HAY_OK) {
        free_lock(lock);
        return status;
    }
    *out = lock;
    return HAY_OK;
}

/* The file that says so takes the place of the one that we have. */
static void give_back(struct hayi_run_lock *lock)
{
    char path[4096];
    char own[4096];
    lock->me.released = true;
    (void)close(lock->fd);
    if (make_own(lock, NULL) == HAY_OK
        && name_file(path, lock->folder, "run.lock")
        && name_file(own, lock->folder, "%s", lock->own)
        && rename(own, path) == 0) {
        return;
    }
    remove_own(lock); /* nobody lives who has it: that tells as much */
}

void hayi_run_lock_release(struct hayi_run_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    if (lock->threaded) {
        (void)pthread_mutex_lock(&lock->mutex);
        lock->stop = true;
        (void)pthread_cond_signal(&lock->cond);
        (void)pthread_mutex_unlock(&lock->mutex);
        (void)pthread_join(lock->thread, NULL);
    }
    beat(lock);
    if (!atomic_load(&lock->lost)) {
        give_back(lock);
    }
    free_lock(lock);
}

uint32_t hayi_run_lock_epoch(const struct hayi_run_lock *lock)
{
    return lock->me.epoch;
}

bool hayi_run_lock_lost(struct hayi_run_lock *lock, struct hayi_error *err)
{
    if (!atomic_load(&lock->lost)) {
        return false;
    }
    if (err != NULL) {
        (void)pthread_mutex_lock(&lock->mutex);
        *err = lock->error;
        (void)pthread_mutex_unlock(&lock->mutex);
    }
    return true;
}

bool hayi_run_lock_check(struct hayi_run_lock *lock, struct hayi_error *err)
{
    uint64_t since = read_clock(CLOCK_BOOTTIME) - atomic_load(&lock->beat_ns);
    if (since > FRESH_S * NS_PER_S) {
        beat(lock);
    }
    return hayi_run_lock_lost(lock, err);
}

hay_status hayi_run_lock_look(const char *folder,
                              struct hayi_run_owner *owner,
                              bool *alive,
                              struct hayi_error *err)
{
    char path[4096];
    char text[TEXT_MAX];
    struct timespec touched;
    if (!name_file(path, folder, "run.lock")) {
        return hayi_fail(err, HAY_EINVAL, "%s: the path is too long", folder);
    }
    if (!read_text(path, text, sizeof(text), &touched)) {
        return hayi_fail(err,
                         errno == ENOENT ? HAY_EEMPTY : HAY_EIO,
                         "%s: %s",
                         path,
                         strerror(errno));
    }
    parse(text, owner);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    enum life life = look_here(owner);
    *alive = life == ALIVE
             || (life == UNKNOWN && seconds_between(touched, now) <= SILENCE_S);
    return HAY_OK;
}
