/* journal_scan.c - see journal_scan.h. */
#include "config.h"

#include "journal/journal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = HAYI_JOURNAL_WINDOW };

/* size: how much there should be.  got: may be less, if the file has become
 * shorter. */
static hay_status read_file(const struct hayi_journal_scan *scan,
                            uint64_t at,
                            void *data,
                            size_t size,
                            size_t *got,
                            struct hayi_error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(
            scan->fd, (char *)data + *got, size - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return hayi_fail(
                err, HAY_EIO, "%s: %s", scan->path, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return HAY_OK;
}

hay_status hayi_journal_scan_open(struct hayi_journal_scan *scan,
                                  const char *path,
                                  struct hayi_error *err)
{
    unsigned char head[HAYI_JOURNAL_HEAD];
    struct stat about;
    size_t got;
    *scan = (struct hayi_journal_scan){.path = path};
    scan->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (scan->fd < 0) {
        return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
    }
    scan->window = malloc(WINDOW);
    hay_status status = scan->window != NULL
                            ? HAY_OK
                            : hayi_fail(err, HAY_ENOMEM, "out of memory");
    if (status == HAY_OK && fstat(scan->fd, &about) != 0) {
        status = hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
    }
    if (status == HAY_OK) {
        status = read_file(scan, 0, head, sizeof(head), &got, err);
    }
    if (status == HAY_OK) {
        status = hayi_journal_check_head(head, got, path, err);
    }
    if (status != HAY_OK) {
        hayi_journal_scan_close(scan);
        return status;
    }
    scan->file_size = (uint64_t)about.st_size;
    hayi_journal_cursor_init(&scan->cursor);
    return HAY_OK;
}

void hayi_journal_scan_extend(struct hayi_journal_scan *scan,
                              uint64_t file_size)
{
    if (file_size > scan->file_size) {
        scan->file_size = file_size;
        scan->cursor.last = false;
        scan->cursor.size = 0; /* what was a torn tail is looked at again */
        scan->cursor.at = scan->cursor.whole;
        scan->cursor.base = scan->cursor.whole;
    }
}

/* The check of its first record, which has a time and a process in it. */
uint64_t hayi_journal_scan_mark(const struct hayi_journal_scan *scan)
{
    uint64_t mark = 0;
    size_t got = 0;
    if (read_file(scan, HAYI_JOURNAL_HEAD + 8, &mark, sizeof(mark), &got, NULL)
            != HAY_OK
        || got < sizeof(mark)) {
        return 0;
    }
    return mark;
}

void hayi_journal_scan_seek(struct hayi_journal_scan *scan, uint64_t place)
{
    hayi_journal_cursor_init(&scan->cursor);
    scan->cursor.at = place;
    scan->cursor.whole = place;
    scan->cursor.base = place;
}

hay_status hayi_journal_scan_next(struct hayi_journal_scan *scan,
                                  struct hayi_journal_record *record,
                                  struct hayi_error *err)
{
    while (!hayi_journal_next(&scan->cursor, record)) {
        uint64_t at = scan->cursor.at;
        size_t got;
        if (scan->cursor.last || at >= scan->file_size) {
            return HAY_EEMPTY;
        }
        uint64_t left = scan->file_size - at;
        size_t want = left < WINDOW ? (size_t)left : WINDOW;
        hay_status status = read_file(scan, at, scan->window, want, &got, err);
        if (status != HAY_OK) {
            return status;
        }
        hayi_journal_cursor_feed(
            &scan->cursor, scan->window, at, got, got < WINDOW);
    }
    return HAY_OK;
}

void hayi_journal_scan_close(struct hayi_journal_scan *scan)
{
    if (scan->fd >= 0) {
        (void)close(scan->fd);
    }
    free(scan->window);
    scan->fd = -1;
    scan->window = NULL;
}
