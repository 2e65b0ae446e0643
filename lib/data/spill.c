/* spill.c - see spill.h.
 *
 * Large pieces go past the page cache (O_DIRECT), which is quicker and does not
 * hold the bytes twice; small ones do not, since a write that waits for the
 * disk costs more than they are worth.
 */
#include "config.h"

#include "data/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PAGE ((uint64_t)4096)
/* From so many bytes on past the page cache. */
#define DIRECT_BYTES ((uint64_t)1 << 20)
/* At most so many in one call: a multiple of a page below 2 GiB. */
#define CALL_BYTES ((uint64_t)1 << 30)
/* The file is made longer by so much at a time. */
#define STEP_BYTES ((uint64_t)64 << 20)

static const char *reason(int error)
{
    return error == 0 ? "the file ends too early" : strerror(error);
}

static hay_status fail(const struct hayi_spill *spill,
                       struct hayi_error *err,
                       const char *what,
                       uint64_t size_bytes,
                       int error)
{
    return hayi_fail(err,
                     HAY_EIO,
                     "spill folder %.200s: cannot %s %" PRIu64 " bytes: %s",
                     spill->folder,
                     what,
                     size_bytes,
                     reason(error));
}

/* After fd, inode and folder are there. */
static void complete(struct hayi_spill *spill)
{
    char path[40];
    struct rlimit limit;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", spill->fd);
    spill->direct_fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
    spill->size_max = INT64_MAX;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0
        && limit.rlim_cur != RLIM_INFINITY) {
        spill->size_max = limit.rlim_cur;
    }
}

static int open_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0
        || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return fd;
    }
    /* A file system without O_TMPFILE. */
    char name[HAYI_SPILL_FOLDER_MAX + 32];
    (void)snprintf(name, sizeof(name), "%s/hayfork-spill-XXXXXX", folder);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(name);
    }
    return fd;
}

hay_status hayi_spill_make(struct hayi_spill *spill,
                           const char *folder,
                           struct hayi_error *err)
{
    struct stat info;
    size_t length = strlen(folder);
    if (length >= sizeof(spill->folder)) {
        return hayi_fail(err, HAY_EIO, "the spill folder's name is too long");
    }
    int fd = open_nameless(folder);
    if (fd < 0 || fstat(fd, &info) != 0) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return hayi_fail(err,
                         HAY_EIO,
                         "spill folder %.200s: cannot make a file there: %s",
                         folder,
                         reason(error));
    }
    memcpy(spill->folder, folder, length + 1);
    spill->fd = fd;
    spill->inode = info.st_ino;
    complete(spill);
    return HAY_OK;
}

static bool lies_in_memory(const char *folder)
{
    struct statfs info;
    return statfs(folder, &info) == 0
           && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

hay_status hayi_spill_make_usual(struct hayi_spill *spill,
                                 struct hayi_error *err)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    enum { COUNT = sizeof(folders) / sizeof(folders[0]) };
    for (int memory = 0; memory < 2; memory++) {
        for (int i = 0; i < COUNT; i++) {
            if (folders[i] != NULL && folders[i][0] == '/'
                && lies_in_memory(folders[i]) == (memory == 1)
                && hayi_spill_make(spill, folders[i], err) == HAY_OK) {
                return HAY_OK;
            }
        }
    }
    return hayi_fail(
        err,
        HAY_EIO,
        "no folder takes a file to spill to: TMPDIR, /var/tmp, /tmp");
}

hay_status hayi_spill_open(struct hayi_spill *spill,
                           int32_t pid,
                           int32_t fd,
                           uint64_t inode,
                           const char *folder,
                           struct hayi_error *err)
{
    char path[60];
    struct stat info;
    (void)snprintf(
        path, sizeof(path), "/proc/%" PRId32 "/fd/%" PRId32, pid, fd);
    int mine = open(path, O_RDWR | O_CLOEXEC);
    if (mine < 0 || fstat(mine, &info) != 0 || info.st_ino != inode) {
        int error = mine < 0 ? errno : ESTALE;
        if (mine >= 0) {
            (void)close(mine);
        }
        return hayi_fail(err,
                         HAY_EIO,
                         "the spill file of process %" PRId32
                         " cannot be opened: %s",
                         pid,
                         reason(error));
    }
    (void)snprintf(spill->folder, sizeof(spill->folder), "%s", folder);
    spill->fd = mine;
    spill->inode = inode;
    complete(spill);
    return HAY_OK;
}

void hayi_spill_close(struct hayi_spill *spill)
{
    if (spill->direct_fd >= 0) {
        (void)close(spill->direct_fd);
    }
    (void)close(spill->fd);
    spill->fd = spill->direct_fd = -1;
}

/* An errno. */
static int write_zeros(int fd, uint64_t offset, uint64_t size_bytes)
{
    static const char zeros[1 << 16];
    while (size_bytes > 0) {
        size_t count =
            size_bytes < sizeof(zeros) ? (size_t)size_bytes : sizeof(zeros);
        ssize_t done = pwrite(fd, zeros, count, (off_t)offset);
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        if (done > 0) {
            offset += (uint64_t)done;
            size_bytes -= (uint64_t)done;
        }
    }
    return 0;
}

static int allocate(int fd, uint64_t offset, uint64_t size_bytes)
{
    int rc;
    do {
        rc = fallocate(fd, 0, (off_t)offset, (off_t)size_bytes);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

hay_status hayi_spill_reserve(struct hayi_spill *spill,
                              uint64_t offset,
                              uint64_t size_bytes,
                              bool must_hold,
                              struct hayi_error *err)
{
    struct stat info;
    uint64_t end = offset + size_bytes;
    int error = ENOSPC;
    if (end > spill->size_max) {
        return fail(spill, err, "get room for", size_bytes, EFBIG);
    }
    if (fstat(spill->fd, &info) == 0 && (uint64_t)info.st_size < end) {
        /* Longer by a good piece, if there is as much. */
        uint64_t far = (end + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
        if (far <= spill->size_max) {
            error = allocate(spill->fd, offset, far - offset);
        }
    }
    if (error != 0) {
        error = allocate(spill->fd, offset, size_bytes);
    }
    if (error == EOPNOTSUPP || error == ENOSYS) {
        error = must_hold ? write_zeros(spill->fd, offset, size_bytes) : 0;
    }
    return error == 0 ? HAY_OK
                      : fail(spill, err, "get room for", size_bytes, error);
}

void hayi_spill_release(struct hayi_spill *spill,
                        uint64_t offset,
                        uint64_t size_bytes)
{
    (void)fallocate(spill->fd,
                    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)offset,
                    (off_t)size_bytes);
}

/* An errno; 0 with less than all moved: the file ended.  One of 'from' and 'to'
 * is NULL. */
static int transfer(int fd,
                    uint64_t offset,
                    const char *from,
                    char *to,
                    uint64_t size_bytes,
                    uint64_t *moved)
{
    while (*moved < size_bytes) {
        uint64_t left = size_bytes - *moved;
        size_t count = (size_t)(left < CALL_BYTES ? left : CALL_BYTES);
        off_t at = (off_t)(offset + *moved);
        ssize_t done = from != NULL ? pwrite(fd, from + *moved, count, at)
                                    : pread(fd, to + *moved, count, at);
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        if (done == 0) {
            return from != NULL ? ENOSPC : 0;
        }
        if (done > 0) {
            *moved += (uint64_t)done;
        }
    }
    return 0;
}

static hay_status move(struct hayi_spill *spill,
                       uint64_t offset,
                       const char *from,
                       char *to,
                       uint64_t size_bytes,
                       struct hayi_error *err)
{
    uint64_t moved = 0;
    int error = 0;
    if (spill->direct_fd >= 0 && size_bytes >= DIRECT_BYTES) {
        uint64_t whole = (size_bytes + PAGE - 1) & ~(PAGE - 1);
        error = transfer(spill->direct_fd, offset, from, to, whole, &moved);
        /* A short one may have left an odd place: whole pages count. */
        moved = moved >= size_bytes ? size_bytes : moved & ~(PAGE - 1);
    }
    /* The rest, or all of it where the disk does not like the former. */
    if (moved < size_bytes && (error == 0 || error == EINVAL)) {
        error = transfer(spill->fd, offset, from, to, size_bytes, &moved);
    }
    if (moved < size_bytes) {
        return fail(
            spill, err, from != NULL ? "write" : "read", size_bytes, error);
    }
    return HAY_OK;
}

hay_status hayi_spill_write(struct hayi_spill *spill,
                            uint64_t offset,
                            const void *data,
                            uint64_t size_bytes,
                            struct hayi_error *err)
{
    if (offset + size_bytes > spill->size_max) {
        return fail(spill, err, "write", size_bytes, EFBIG);
    }
    return move(spill, offset, data, NULL, size_bytes, err);
}

hay_status hayi_spill_read(struct hayi_spill *spill,
                           uint64_t offset,
                           void *data,
                           uint64_t size_bytes,
                           struct hayi_error *err)
{
    return move(spill, offset, NULL, data, size_bytes, err);
}
