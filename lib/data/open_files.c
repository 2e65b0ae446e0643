/* open_files.c - see open_files.h. */
#include "config.h"

#include "data/open_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PACKED_MAX = 16 }; /* files with packed chunks, unless in use */

struct hayi_files {
    pthread_mutex_t mutex;
    /* under the mutex */
    struct hayi_open_file *list;
    struct hayi_packed_file *packed;
    uint64_t stamps;
};

/* ---- open files --------------------------------------------------------- */

hay_status hayi_files_no_memory(struct hayi_error *err)
{
    return hayi_fail(err, HAY_ENOMEM, "out of memory for a file");
}

hay_status hayi_files_new(struct hayi_files **files, struct hayi_error *err)
{
    struct hayi_files *made = calloc(1, sizeof(*made));
    if (made == NULL || pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return hayi_files_no_memory(err);
    }
    *files = made;
    return HAY_OK;
}

static void dispose(struct hayi_open_file *file)
{
    (void)close(file->fd);
    free(file->path);
    free(file);
}

static void dispose_packed(struct hayi_packed_file *packed)
{
    hayi_segments_free(packed->segments);
    free(packed->path);
    free(packed);
}

void hayi_files_free(struct hayi_files *files)
{
    if (files == NULL) {
        return;
    }
    while (files->list != NULL) {
        struct hayi_open_file *file = files->list;
        assert(file->users == 0);
        files->list = file->next;
        dispose(file);
    }
    while (files->packed != NULL) {
        struct hayi_packed_file *packed = files->packed;
        assert(packed->users == 0);
        files->packed = packed->next;
        dispose_packed(packed);
    }
    (void)pthread_mutex_destroy(&files->mutex);
    free(files);
}

/* Closes what was used least recently, until there is room for one more.  Under
 * the mutex. */
static void make_room(struct hayi_files *files)
{
    for (;;) {
        struct hayi_open_file **oldest = NULL;
        unsigned count = 1;
        for (struct hayi_open_file **at = &files->list; *at != NULL;
             at = &(*at)->next) {
            count++;
            if ((*at)->users == 0
                && (oldest == NULL || (*at)->stamp < (*oldest)->stamp)) {
                oldest = at;
            }
        }
        if (count <= HAYI_FILES_MAX || oldest == NULL) {
            return;
        }
        struct hayi_open_file *file = *oldest;
        *oldest = file->next;
        dispose(file);
    }
}

static struct hayi_open_file *
find(struct hayi_files *files, const char *path, uint64_t inode, bool writable)
{
    for (struct hayi_open_file *file = files->list; file != NULL;
         file = file->next) {
        if (file->inode == inode && file->writable >= writable
            && strcmp(file->path, path) == 0) {
            return file;
        }
    }
    return NULL;
}

void hayi_files_release(struct hayi_files *files, struct hayi_open_file *file)
{
    (void)pthread_mutex_lock(&files->mutex);
    file->users--;
    (void)pthread_mutex_unlock(&files->mutex);
}

static hay_status
cannot_open(const char *path, bool writable, struct hayi_error *err)
{
    int why = errno;
    if (why == ENOENT) {
        return hayi_fail(err, HAY_EIO, "no such file: %s", path);
    }
    if (why == EACCES) {
        return hayi_fail(err,
                         HAY_EIO,
                         "no permission to %s %s",
                         writable ? "write" : "read",
                         path);
    }
    return hayi_fail(err, HAY_EIO, "cannot open %s: %s", path, strerror(why));
}

hay_status hayi_files_acquire(struct hayi_files *files,
                              const char *path,
                              uint64_t inode,
                              bool writable,
                              struct hayi_open_file **given,
                              struct hayi_error *err)
{
    struct stat st;
    if (inode == 0) {
        if (stat(path, &st) != 0) {
            return cannot_open(path, writable, err);
        }
        inode = (uint64_t)st.st_ino;
    }
    (void)pthread_mutex_lock(&files->mutex);
    struct hayi_open_file *file = find(files, path, inode, writable);
    if (file != NULL) {
        file->users++;
        file->stamp = ++files->stamps;
    }
    (void)pthread_mutex_unlock(&files->mutex);
    if (file != NULL) {
        *given = file;
        return HAY_OK;
    }
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        return cannot_open(path, writable, err);
    }
    file = calloc(1, sizeof(*file));
    char *copy = strdup(path);
    hay_status status = HAY_OK;
    if (file == NULL || copy == NULL) {
        status = hayi_files_no_memory(err);
    } else if (fstat(fd, &st) != 0 || (uint64_t)st.st_ino != inode) {
        status = hayi_fail(
            err, HAY_EIO, "%s has been replaced since it was opened", path);
    }
    if (status != HAY_OK) {
        (void)close(fd);
        free(file);
        free(copy);
        return status;
    }
    *file = (struct hayi_open_file){
        .path = copy,
        .fd = fd,
        .writable = writable,
        .inode = inode,
        .users = 1,
    };
    (void)pthread_mutex_lock(&files->mutex);
    make_room(files);
    file->stamp = ++files->stamps;
    file->next = files->list;
    files->list = file;
    (void)pthread_mutex_unlock(&files->mutex);
    *given = file;
    return HAY_OK;
}

hay_status hayi_files_acquire_dataset(struct hayi_files *files,
                                      const struct hayi_dataset *dataset,
                                      struct hayi_open_file **given,
                                      struct hayi_error *err)
{
    struct stat st;
    struct hayi_open_file *file;
    const char *path = hayi_dataset_path(dataset);
    hay_status status = hayi_files_acquire(
        files, path, dataset->inode, dataset->ours != 0, &file, err);
    if (status != HAY_OK || dataset->ours != 0) {
        if (status == HAY_OK) {
            *given = file;
        }
        return status;
    }
    if (fstat(file->fd, &st) != 0
        || hayi_dataset_mtime_ns(&st) != dataset->mtime_ns
        || (uint64_t)st.st_size != dataset->file_bytes) {
        hayi_files_release(files, file);
        return hayi_fail(
            err, HAY_EIO, "%s has been changed since it was opened", path);
    }
    *given = file;
    return HAY_OK;
}

hay_status hayi_open_file_read(const struct hayi_open_file *file,
                               void *out,
                               size_t size_bytes,
                               uint64_t at,
                               struct hayi_error *err)
{
    char *to = out;
    while (size_bytes > 0) {
        ssize_t many = pread(file->fd, to, size_bytes, (off_t)at);
        if (many == 0) {
            return hayi_fail(err, HAY_EIO, "%s is truncated", file->path);
        }
        if (many < 0 && errno != EINTR) {
            return hayi_fail(err,
                             HAY_EIO,
                             "cannot read %s: %s",
                             file->path,
                             strerror(errno));
        }
        if (many > 0) {
            to += many;
            at += (uint64_t)many;
            size_bytes -= (size_t)many;
        }
    }
    return HAY_OK;
}

hay_status hayi_open_file_write(const struct hayi_open_file *file,
                                const void *data,
                                size_t size_bytes,
                                uint64_t at,
                                struct hayi_error *err)
{
    const char *from = data;
    while (size_bytes > 0) {
        ssize_t many = pwrite(file->fd, from, size_bytes, (off_t)at);
        if (many == 0 || (many < 0 && errno != EINTR)) {
            return hayi_fail(err,
                             HAY_EIO,
                             "cannot write %s: %s",
                             file->path,
                             strerror(many == 0 ? ENOSPC : errno));
        }
        if (many > 0) {
            from += many;
            at += (uint64_t)many;
            size_bytes -= (size_t)many;
        }
    }
    return HAY_OK;
}

hay_status hayi_open_file_flush(const struct hayi_open_file *file,
                                struct hayi_error *err)
{
    if (fdatasync(file->fd) != 0) {
        return hayi_fail(err,
                         HAY_EIO,
                         "cannot write %s to disk: %s",
                         file->path,
                         strerror(errno));
    }
    return HAY_OK;
}

hay_status hayi_files_write(struct hayi_files *files,
                            const char *path,
                            uint64_t offset,
                            const void *data,
                            size_t size_bytes,
                            struct hayi_error *err)
{
    struct hayi_open_file *file;
    hay_status status = hayi_files_acquire(files, path, 0, true, &file, err);
    if (status == HAY_OK) {
        status = hayi_open_file_write(file, data, size_bytes, offset, err);
        hayi_files_release(files, file);
    }
    return status;
}

hay_status hayi_open_file_map(const struct hayi_open_file *file,
                              uint64_t begin,
                              uint64_t end,
                              struct hayi_mapping *mapping,
                              const char **data,
                              struct hayi_error *err)
{
    struct stat st;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t first = begin / page * page;
    /* Beyond the end it would be a signal, not an error. */
    if (fstat(file->fd, &st) != 0 || (uint64_t)st.st_size < end) {
        return hayi_fail(err, HAY_EIO, "%s is truncated", file->path);
    }
    void *base = mmap(NULL,
                      (size_t)(end - first),
                      PROT_READ,
                      MAP_SHARED,
                      file->fd,
                      (off_t)first);
    if (base == MAP_FAILED) {
        return hayi_fail(
            err, HAY_EIO, "cannot map %s: %s", file->path, strerror(errno));
    }
    *mapping = (struct hayi_mapping){base, (size_t)(end - first)};
    *data = (const char *)base + (begin - first);
    return HAY_OK;
}

void hayi_mapping_fini(struct hayi_mapping *mapping)
{
    if (mapping->size_bytes != 0) {
        (void)munmap(mapping->base, mapping->size_bytes);
    }
    *mapping = (struct hayi_mapping){NULL, 0};
}

/* ---- packed chunks ------------------------------------------------------ */

/* What this process may know of the same array under this name: FILE.parts/ is
 * known by the file in it that rank 0 has made. */
static struct hayi_packed_file *find_packed(struct hayi_files *files,
                                            const struct hayi_dataset *dataset)
{
    struct hayi_packed_file *at = files->packed;
    while (at != NULL
           && (at->inode != dataset->inode || at->mtime_ns != dataset->mtime_ns
               || strcmp(at->path, hayi_dataset_path(dataset)) != 0)) {
        at = at->next;
    }
    return at;
}

static hay_status make_packed(const struct hayi_dataset *dataset,
                              struct hayi_packed_file **given,
                              struct hayi_error *err)
{
    char head[HAYI_DATASET_PATH_MAX + 32];
    struct stat st;
    struct hayi_grid grid;
    const char *path = hayi_dataset_path(dataset);
    (void)snprintf(head, sizeof(head), "%s.parts/head.h5", path);
    hayi_dataset_grid(dataset, &grid);
    if (stat(head, &st) != 0) {
        return cannot_open(head, true, err);
    }
    if ((uint64_t)st.st_ino != dataset->inode
        || hayi_dataset_mtime_ns(&st) != dataset->mtime_ns) {
        return hayi_fail(
            err, HAY_EIO, "%s has been replaced since it was opened", path);
    }
    struct hayi_packed_file *made = calloc(1, sizeof(*made));
    char *copy = strdup(path);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return hayi_files_no_memory(err);
    }
    made->path = copy;
    made->inode = dataset->inode;
    made->mtime_ns = dataset->mtime_ns;
    made->sync = dataset->sync != HAYI_SYNC_NONE;
    hay_status status = hayi_segments_new(
        path, grid.total, dataset->hash_kind, &made->segments, err);
    if (status != HAY_OK) {
        dispose_packed(made);
        return status;
    }
    *given = made;
    return HAY_OK;
}

/* Out of the list: what was used least recently, if there are too many. */
static struct hayi_packed_file *take_oldest(struct hayi_files *files)
{
    struct hayi_packed_file **oldest = NULL;
    unsigned count = 0;
    for (struct hayi_packed_file **at = &files->packed; *at != NULL;
         at = &(*at)->next) {
        count++;
        if ((*at)->users == 0
            && (oldest == NULL || (*at)->stamp < (*oldest)->stamp)) {
            oldest = at;
        }
    }
    if (count <= PACKED_MAX || oldest == NULL) {
        return NULL;
    }
    struct hayi_packed_file *packed = *oldest;
    *oldest = packed->next;
    return packed;
}

hay_status hayi_files_acquire_packed(struct hayi_files *files,
                                     const struct hayi_dataset *dataset,
                                     struct hayi_packed_file **given,
                                     struct hayi_error *err)
{
    hay_status status = HAY_OK;
    (void)pthread_mutex_lock(&files->mutex);
    struct hayi_packed_file *packed = find_packed(files, dataset);
    if (packed == NULL) {
        status = make_packed(dataset, &packed, err);
        if (status == HAY_OK) {
            packed->next = files->packed;
            files->packed = packed;
        }
    }
    if (status == HAY_OK) {
        packed->users++;
        packed->stamp = ++files->stamps;
        *given = packed;
    }
    (void)pthread_mutex_unlock(&files->mutex);
    return status;
}

void hayi_files_release_packed(struct hayi_files *files,
                               struct hayi_packed_file *packed)
{
    (void)pthread_mutex_lock(&files->mutex);
    packed->users--;
    struct hayi_packed_file *oldest = take_oldest(files);
    (void)pthread_mutex_unlock(&files->mutex);
    if (oldest != NULL) {
        /* Nobody could ask for it later. */
        if (oldest->sync) {
            (void)hayi_segments_sync(oldest->segments, NULL);
        }
        dispose_packed(oldest);
    }
}
