/* board.c - see board.h.
 *
 * A row of whole cache lines for each receiver: its flag alone in the first,
 * then the counts of the senders side by side, as the receiver reads them.
 */
#include "config.h"

#include "transport/board.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 64 };

static_assert(sizeof(atomic_uint) == 4, "shared with other processes");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "shared with other processes");

static size_t row_size(uint32_t members)
{
    size_t counts = (size_t)members * sizeof(atomic_uint);
    return LINE + (counts + LINE - 1) / LINE * LINE;
}

static hay_status
map(struct hayi_board *board, uint32_t members, int fd, struct hayi_error *err)
{
    size_t size = members * row_size(members);
    struct stat info;
    void *place = MAP_FAILED;
    if (fstat(fd, &info) == 0 && info.st_size == (off_t)size) {
        place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (place == MAP_FAILED) {
        return hayi_fail(err, HAY_EIO, "shared memory: %s", strerror(errno));
    }
    *board = (struct hayi_board){members, size, place};
    return HAY_OK;
}

hay_status hayi_board_make(struct hayi_board *board,
                           uint32_t members,
                           char name[HAYI_BOARD_NAME],
                           struct hayi_error *err)
{
    uint64_t dice = 0;
    (void)getrandom(&dice, sizeof dice, GRND_NONBLOCK);
    (void)snprintf(name,
                   HAYI_BOARD_NAME,
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
    int rc = posix_fallocate(fd, 0, (off_t)(members * row_size(members)));
    if (rc != 0) {
        st =
            hayi_fail(err, HAY_EIO, "shared memory %s: %s", name, strerror(rc));
    }
    if (st == HAY_OK) {
        st = map(board, members, fd, err);
    }
    if (st != HAY_OK) {
        (void)shm_unlink(name);
    }
    (void)close(fd);
    return st;
}

hay_status hayi_board_join(struct hayi_board *board,
                           uint32_t members,
                           const char *name,
                           struct hayi_error *err)
{
    int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return hayi_fail(
            err, HAY_EIO, "shared memory %s: %s", name, strerror(errno));
    }
    hay_status st = map(board, members, fd, err);
    (void)close(fd);
    return st;
}

void hayi_board_forget(const char *name)
{
    (void)shm_unlink(name);
}

void hayi_board_fini(struct hayi_board *board)
{
    if (board->memory != NULL) {
        (void)munmap(board->memory, board->size);
    }
    *board = (struct hayi_board){0, 0, NULL};
}

atomic_uint *hayi_board_asleep(const struct hayi_board *board, uint32_t member)
{
    assert(member < board->members);
    return (atomic_uint *)(void *)(board->memory
                                   + member * row_size(board->members));
}

atomic_uint *
hayi_board_sent(const struct hayi_board *board, uint32_t from, uint32_t to)
{
    assert(from < board->members);
    return hayi_board_asleep(board, to) + LINE / sizeof(atomic_uint) + from;
}
