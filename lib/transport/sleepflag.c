/* sleepflag.c - see sleepflag.h. */
#include "config.h"

#include "transport/sleepflag.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static_assert(sizeof(struct hayi_sleepflag) == 64, "a cache line each");

static size_t size_of(uint32_t count)
{
    return (size_t)count * sizeof(struct hayi_sleepflag);
}

static hay_status map(int fd,
                      uint32_t count,
                      struct hayi_sleepflag **flags,
                      struct hayi_error *err)
{
    void *place =
        mmap(NULL, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (place == MAP_FAILED) {
        return hayi_fail(err, HAY_EIO, "shared memory: %s", strerror(errno));
    }
    *flags = place;
    return HAY_OK;
}

hay_status hayi_sleepflag_make(uint32_t count,
                               struct hayi_sleepflag **flags,
                               char name[HAYI_SLEEPFLAG_NAME],
                               struct hayi_error *err)
{
    uint64_t dice = 0;
    (void)getrandom(&dice, sizeof dice, GRND_NONBLOCK);
    (void)snprintf(name,
                   HAYI_SLEEPFLAG_NAME,
                   "/hayfork-%ld-%016" PRIx64,
                   (long)getpid(),
                   dice);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return hayi_fail(
            err, HAY_EIO, "shared memory %s: %s", name, strerror(errno));
    }
    hay_status st = HAY_OK;
    /* Not ftruncate() alone: a full file system must be known now, not by a
     * signal later. */
    int rc = posix_fallocate(fd, 0, (off_t)size_of(count));
    if (rc != 0) {
        st =
            hayi_fail(err, HAY_EIO, "shared memory %s: %s", name, strerror(rc));
    }
    if (st == HAY_OK) {
        st = map(fd, count, flags, err);
    }
    if (st != HAY_OK) {
        (void)shm_unlink(name);
    }
    (void)close(fd);
    return st;
}

hay_status hayi_sleepflag_join(const char *name,
                               uint32_t count,
                               struct hayi_sleepflag **flags,
                               struct hayi_error *err)
{
    int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return hayi_fail(
            err, HAY_EIO, "shared memory %s: %s", name, strerror(errno));
    }
    hay_status st = map(fd, count, flags, err);
    (void)close(fd);
    return st;
}

void hayi_sleepflag_forget(const char *name)
{
    (void)shm_unlink(name);
}

void hayi_sleepflag_free(struct hayi_sleepflag *flags, uint32_t count)
{
    if (flags != NULL) {
        (void)munmap(flags, size_of(count));
    }
}
