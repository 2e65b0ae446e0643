/* segments.c - see segments.h.
 *
 * A scan reads heads only, from where the last one ended.  Segments of others
 * are opened for each chunk that is read of them, since there may be more of
 * them than a process can have open.
 */
#include "config.h"

#include "data/segments.h"

#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* "HAYFSEG1" */
static const uint64_t magic = UINT64_C(0x4841594653454731);

enum {
    HEAD_WORDS = 8,
    HEAD_BYTES = HEAD_WORDS * 8,
    NAME_BYTES = 256,
    TRIES_MAX = 100000, /* segment files of one name */
};

enum head_word {
    W_MAGIC,
    W_CHUNK,
    W_PACKED_BYTES,
    W_CHUNK_BYTES,
    W_CHUNK_HASH,
    W_PACKED_HASH,
    W_UNUSED,
    W_HEAD_HASH,
};

struct segment {
    char name[NAME_BYTES];
    uint64_t scanned; /* bytes of whole records */
};

/* One that we write. */
struct writer {
    int fd;
    uint64_t at;
    bool dirty; /* not synced */
    bool busy;  /* its thread has it, the others must not touch it */
};

struct hayi_segments {
    char *folder; /* with a '/' at the end */
    uint64_t chunk_count;
    uint8_t hash_kind;

    pthread_mutex_t mutex;
    /* under the mutex */
    struct writer *writers;
    uint32_t writer_count;
    struct segment *list; /* sorted by name */
    uint32_t list_count;
    struct hayi_packed *where; /* of each chunk; packed_bytes 0: nowhere */
};

/* ---- the folder --------------------------------------------------------- */

static char *folder_of(const char *path)
{
    size_t room = strlen(path) + sizeof(".parts/");
    char *folder = malloc(room);
    if (folder != NULL) {
        (void)snprintf(folder, room, "%s.parts/", path);
    }
    return folder;
}

static hay_status no_memory(struct hayi_error *err)
{
    return hayi_fail(err, HAY_ENOMEM, "out of memory for packed chunks");
}

static hay_status
says_no(const char *what, const char *path, struct hayi_error *err)
{
    return hayi_fail(
        err, HAY_EIO, "cannot %s %s: %s", what, path, strerror(errno));
}

static hay_status remove_folder(const char *folder, struct hayi_error *err)
{
    hay_status status = HAY_OK;
    DIR *dir = opendir(folder);
    if (dir != NULL) {
        struct dirent *entry;
        while ((entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") != 0
                && strcmp(entry->d_name, "..") != 0) {
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
            }
        }
        (void)closedir(dir);
        if (rmdir(folder) != 0) {
            status = says_no("remove", folder, err);
        }
    } else if (errno != ENOENT) {
        status = says_no("read", folder, err);
    }
    return status;
}

/* It goes at once, by another name: who reads from it at this moment either
 * has what he needs, or sees that it is not there any more. */
hay_status hayi_segments_remove(const char *path, struct hayi_error *err)
{
    char *folder = folder_of(path);
    size_t size = strlen(path) + sizeof(".parts.gone");
    char *gone = folder != NULL ? malloc(size) : NULL;
    if (gone == NULL) {
        free(folder);
        return no_memory(err);
    }
    (void)snprintf(gone, size, "%s.parts.gone", path);
    hay_status status = remove_folder(gone, err); /* of one who was killed */
    if (status == HAY_OK && rename(folder, gone) != 0 && errno != ENOENT) {
        status = says_no("remove", folder, err);
    }
    if (status == HAY_OK) {
        status = remove_folder(gone, err);
    }
    free(gone);
    free(folder);
    return status;
}

hay_status hayi_segments_make_folder(const char *path, struct hayi_error *err)
{
    char *folder = folder_of(path);
    if (folder == NULL) {
        return no_memory(err);
    }
    hay_status status = HAY_OK;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        status = says_no("make", folder, err);
    }
    free(folder);
    return status;
}

bool hayi_segments_there(const char *path)
{
    struct stat st;
    char *folder = folder_of(path);
    bool there =
        folder != NULL && stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
    free(folder);
    return there;
}

hay_status hayi_segments_new(const char *path,
                             uint64_t chunk_count,
                             uint8_t hash_kind,
                             struct hayi_segments **segments,
                             struct hayi_error *err)
{
    struct hayi_segments *made = calloc(1, sizeof(*made));
    char *folder = folder_of(path);
    if (made == NULL || folder == NULL
        || pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        free(folder);
        return no_memory(err);
    }
    made->folder = folder;
    made->chunk_count = chunk_count;
    made->hash_kind = hash_kind;
    *segments = made;
    return HAY_OK;
}

void hayi_segments_free(struct hayi_segments *segments)
{
    if (segments == NULL) {
        return;
    }
    for (uint32_t i = 0; i < segments->writer_count; i++) {
        if (segments->writers[i].fd >= 0) {
            (void)close(segments->writers[i].fd);
        }
    }
    (void)pthread_mutex_destroy(&segments->mutex);
    free(segments->writers);
    free(segments->list);
    free(segments->where);
    free(segments->folder);
    free(segments);
}

/* ---- appending ---------------------------------------------------------- */

/* A new file, whose name nobody has had.  -1: errno. */
static int make_segment(const struct hayi_segments *segments)
{
    char path[5000];
    char host[65] = "host";
    (void)gethostname(host, sizeof(host) - 1);
    for (char *at = host; *at != 0; at++) {
        *at = *at == '/' ? '_' : *at;
    }
    for (int i = 0; i < TRIES_MAX; i++) {
        (void)snprintf(path,
                       sizeof(path),
                       "%s%s.%ld.%d.seg",
                       segments->folder,
                       host,
                       (long)getpid(),
                       i);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    errno = EEXIST;
    return -1;
}

/* A segment for the calling thread alone, until it is no longer busy; its
 * number. */
static hay_status take_writer(struct hayi_segments *segments,
                              uint32_t *number,
                              struct writer *writer,
                              struct hayi_error *err)
{
    hay_status status = HAY_OK;
    (void)pthread_mutex_lock(&segments->mutex);
    uint32_t i = 0;
    while (i < segments->writer_count
           && (segments->writers[i].busy || segments->writers[i].fd < 0)) {
        i++;
    }
    if (i == segments->writer_count) {
        struct writer *more =
            realloc(segments->writers, (i + 1) * sizeof(*segments->writers));
        int fd = -1;
        if (more != NULL) {
            segments->writers = more;
            fd = make_segment(segments);
        }
        if (more == NULL) {
            status = no_memory(err);
        } else if (fd < 0) {
            status = says_no("make a file in", segments->folder, err);
        } else {
            more[i] = (struct writer){.fd = fd};
            segments->writer_count++;
        }
    }
    if (status == HAY_OK) {
        segments->writers[i].busy = true;
        *writer = segments->writers[i];
        *number = i;
    }
    (void)pthread_mutex_unlock(&segments->mutex);
    return status;
}

static void give_writer(struct hayi_segments *segments,
                        uint32_t number,
                        const struct writer *writer)
{
    (void)pthread_mutex_lock(&segments->mutex);
    segments->writers[number] = *writer;
    segments->writers[number].busy = false;
    (void)pthread_mutex_unlock(&segments->mutex);
}

/* 0, or errno. */
static int write_whole(int fd, const void *data, size_t size_bytes, uint64_t at)
{
    const char *from = data;
    while (size_bytes > 0) {
        ssize_t many = pwrite(fd, from, size_bytes, (off_t)at);
        if (many < 0 && errno == EINTR) {
            continue;
        }
        if (many <= 0) {
            return many < 0 ? errno : ENOSPC;
        }
        from += many;
        at += (uint64_t)many;
        size_bytes -= (size_t)many;
    }
    return 0;
}

hay_status hayi_segments_append(struct hayi_segments *segments,
                                uint64_t chunk,
                                uint64_t chunk_bytes,
                                uint64_t chunk_hash,
                                const void *packed,
                                size_t packed_bytes,
                                bool sync,
                                struct hayi_error *err)
{
    struct writer writer;
    uint32_t number;
    hay_status status = take_writer(segments, &number, &writer, err);
    if (status != HAY_OK) {
        return status;
    }
    uint64_t head[HEAD_WORDS] = {
        [W_MAGIC] = magic,
        [W_CHUNK] = chunk,
        [W_PACKED_BYTES] = packed_bytes,
        [W_CHUNK_BYTES] = chunk_bytes,
        [W_CHUNK_HASH] = chunk_hash,
        [W_PACKED_HASH] = hayi_hash(segments->hash_kind, packed, packed_bytes),
    };
    head[W_HEAD_HASH] =
        hayi_hash(segments->hash_kind, head, W_HEAD_HASH * sizeof(head[0]));
    int why = write_whole(writer.fd, head, sizeof(head), writer.at);
    if (why == 0) {
        why = write_whole(
            writer.fd, packed, packed_bytes, writer.at + HEAD_BYTES);
    }
    if (why == 0 && sync && fdatasync(writer.fd) != 0) {
        why = errno;
    }
    if (why == 0) {
        writer.at += HEAD_BYTES + packed_bytes;
        writer.dirty = !sync;
    } else {
        status = hayi_fail(err,
                           HAY_EIO,
                           "cannot write into %s: %s",
                           segments->folder,
                           strerror(why));
        /* What was begun must not stand in the way of the next. */
        if (ftruncate(writer.fd, (off_t)writer.at) != 0) {
            (void)close(writer.fd);
            writer.fd = -1;
        }
    }
    give_writer(segments, number, &writer);
    return status;
}

hay_status hayi_segments_sync(struct hayi_segments *segments,
                              struct hayi_error *err)
{
    hay_status status = HAY_OK;
    (void)pthread_mutex_lock(&segments->mutex);
    for (uint32_t i = 0; i < segments->writer_count; i++) {
        struct writer *writer = &segments->writers[i];
        if (writer->fd >= 0 && fdatasync(writer->fd) != 0) {
            status = says_no("write to disk what is in", segments->folder, err);
        }
    }
    (void)pthread_mutex_unlock(&segments->mutex);
    return status;
}

/* ---- finding ------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct segment *)a)->name,
                  ((const struct segment *)b)->name);
}

/* Reads on in a segment.  A record that is not whole is left for next time. */
static void
scan_segment(struct hayi_segments *segments, uint32_t number, int fd)
{
    struct segment *segment = &segments->list[number];
    struct stat st;
    uint64_t head[HEAD_WORDS];
    if (fstat(fd, &st) != 0) {
        return;
    }
    uint64_t size = (uint64_t)st.st_size;
    while (size - segment->scanned >= HEAD_BYTES
           && pread(fd, head, sizeof(head), (off_t)segment->scanned)
                  == (ssize_t)sizeof(head)) {
        uint64_t left = size - segment->scanned - HEAD_BYTES;
        if (head[W_MAGIC] != magic
            || head[W_HEAD_HASH]
                   != hayi_hash(
                       segments->hash_kind, head, W_HEAD_HASH * sizeof(head[0]))
            || head[W_PACKED_BYTES] > left || head[W_PACKED_BYTES] == 0
            || head[W_PACKED_BYTES] > UINT32_MAX
            || head[W_CHUNK] >= segments->chunk_count) {
            return;
        }
        segments->where[head[W_CHUNK]] = (struct hayi_packed){
            .segment = number,
            .packed_bytes = (uint32_t)head[W_PACKED_BYTES],
            .at = segment->scanned + HEAD_BYTES,
            .chunk_hash = head[W_CHUNK_HASH],
            .packed_hash = head[W_PACKED_HASH],
        };
        segment->scanned += HEAD_BYTES + head[W_PACKED_BYTES];
    }
}

/* The segments that are not known yet come to the end of the list; those that
 * are known keep their numbers. */
static hay_status
list_new(struct hayi_segments *segments, DIR *dir, struct hayi_error *err)
{
    uint32_t known = segments->list_count;
    struct segment *sorted = NULL;
    if (known != 0) {
        sorted = malloc(known * sizeof(*sorted));
        if (sorted == NULL) {
            return no_memory(err);
        }
        memcpy(sorted, segments->list, known * sizeof(*sorted));
        qsort(sorted, known, sizeof(*sorted), by_name);
    }
    struct dirent *entry;
    hay_status status = HAY_OK;
    while (status == HAY_OK && (entry = readdir(dir)) != NULL) {
        struct segment key = {.scanned = 0};
        size_t length = strlen(entry->d_name);
        if (length < 5 || length >= sizeof(key.name)
            || strcmp(entry->d_name + length - 4, ".seg") != 0) {
            continue;
        }
        memcpy(key.name, entry->d_name, length + 1);
        if (known != 0
            && bsearch(&key, sorted, known, sizeof(key), by_name) != NULL) {
            continue;
        }
        uint32_t count = segments->list_count;
        struct segment *more = segments->list;
        if ((count & (count - 1)) == 0) {
            more = realloc(more, (count == 0 ? 1 : 2 * count) * sizeof(*more));
        }
        if (more == NULL) {
            status = no_memory(err);
        } else {
            segments->list = more;
            more[segments->list_count++] = key;
        }
    }
    free(sorted);
    return status;
}

hay_status hayi_segments_scan(struct hayi_segments *segments,
                              struct hayi_error *err)
{
    DIR *dir = opendir(segments->folder);
    if (dir == NULL) {
        return says_no("read", segments->folder, err);
    }
    (void)pthread_mutex_lock(&segments->mutex);
    hay_status status = HAY_OK;
    if (segments->where == NULL) {
        segments->where =
            calloc(segments->chunk_count + 1, sizeof(*segments->where));
        status = segments->where == NULL ? no_memory(err) : HAY_OK;
    }
    if (status == HAY_OK) {
        status = list_new(segments, dir, err);
    }
    for (uint32_t i = 0; status == HAY_OK && i < segments->list_count; i++) {
        int fd =
            openat(dirfd(dir), segments->list[i].name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            scan_segment(segments, i, fd);
            (void)close(fd);
        } else if (errno != ENOENT) {
            status = says_no("read a file in", segments->folder, err);
        }
    }
    (void)pthread_mutex_unlock(&segments->mutex);
    (void)closedir(dir);
    return status;
}

bool hayi_segments_find(struct hayi_segments *segments,
                        uint64_t chunk,
                        struct hayi_packed *packed)
{
    (void)pthread_mutex_lock(&segments->mutex);
    bool found = segments->where != NULL && chunk < segments->chunk_count
                 && segments->where[chunk].packed_bytes != 0;
    if (found) {
        *packed = segments->where[chunk];
    }
    (void)pthread_mutex_unlock(&segments->mutex);
    return found;
}

hay_status hayi_segments_load(struct hayi_segments *segments,
                              const struct hayi_packed *packed,
                              void *data,
                              struct hayi_error *err)
{
    char path[5000];
    (void)pthread_mutex_lock(&segments->mutex);
    (void)snprintf(path,
                   sizeof(path),
                   "%s%s",
                   segments->folder,
                   segments->list[packed->segment].name);
    (void)pthread_mutex_unlock(&segments->mutex);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return says_no("read", path, err);
    }
    hay_status status = HAY_OK;
    size_t done = 0;
    while (status == HAY_OK && done < packed->packed_bytes) {
        ssize_t many = pread(fd,
                             (char *)data + done,
                             packed->packed_bytes - done,
                             (off_t)(packed->at + done));
        if (many > 0) {
            done += (size_t)many;
        } else if (many == 0) {
            status = hayi_fail(err, HAY_EIO, "%s is truncated", path);
        } else if (errno != EINTR) {
            status = says_no("read", path, err);
        }
    }
    (void)close(fd);
    if (status == HAY_OK
        && hayi_hash(segments->hash_kind, data, packed->packed_bytes)
               != packed->packed_hash) {
        status =
            hayi_fail(err, HAY_EIO, "a packed chunk in %s is damaged", path);
    }
    return status;
}
