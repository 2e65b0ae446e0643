/* kept.c - see kept.h.
 *
 * The hash of a file is that of its parts (head, value, each object), each
 * mixed into the sum of those before it.
 */
#include "config.h"

#include "data/kept.h"

#include "base/hash.h"
#include "base/philox.h"
#include "wire/value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "hayfork result\n"

enum { WRITE_MAX = 1 << 30 };

struct head {
    char magic[16];
    uint64_t task;
    uint32_t attempt;
    uint32_t reserved;
    uint64_t value_size;
};

struct file {
    int fd;
    uint64_t bytes, hash;
    struct hayi_store *store;
    hay_status status;
    struct hayi_error *err;
    char path[4200];
};

static hay_status
name_file(const struct hayi_kept_name *name, char *path, size_t size)
{
    int n = snprintf(path,
                     size,
                     "%s/results/%" PRIu64 ".%" PRIu32,
                     name->folder,
                     name->task,
                     name->attempt);
    return n > 0 && (size_t)n < size ? HAY_OK : HAY_EIO;
}

static void fail(struct file *file)
{
    file->status =
        hayi_fail(file->err, HAY_EIO, "%s: %s", file->path, strerror(errno));
}

static void count_part(struct file *file, const void *data, size_t size)
{
    file->bytes += size;
    file->hash =
        hayi_mix64(file->hash + hayi_hash(HAYI_HASH_XXH64, data, size));
}

static struct head head_of(const struct hayi_kept_name *name, size_t size)
{
    return (struct head){
        .magic = MAGIC,
        .task = name->task,
        .attempt = name->attempt,
        .value_size = size,
    };
}

/* ---- writing ------------------------------------------------------------- */

static void write_part(struct file *file, const void *data, size_t size)
{
    const char *at = data;
    size_t left = size;
    while (left > 0) {
        ssize_t n =
            write(file->fd, at, left < WRITE_MAX ? left : (size_t)WRITE_MAX);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0) {
            errno = ENOSPC;
        }
        if (n <= 0) {
            fail(file);
            return;
        }
        at += n;
        left -= (size_t)n;
    }
    count_part(file, data, size);
}

static void write_object(void *context, struct hayi_object_value *object)
{
    struct file *file = context;
    const void *data = NULL;
    uint64_t size = 0;
    if (file->status != HAY_OK) {
        return;
    }
    if (object->place == 0 || file->store == NULL) {
        file->status = hayi_fail(
            file->err, HAY_EEMPTY, "%s: an object is not here", file->path);
        return;
    }
    file->status =
        hayi_store_pin(file->store, object->place, &data, &size, file->err);
    if (file->status == HAY_OK) {
        write_part(file, data, (size_t)object->size);
        hayi_store_unpin(file->store, object->place);
    }
}

static void forget_place(void *context, struct hayi_object_value *object)
{
    (void)context;
    object->object = 0;
    object->place = 0;
}

/* Their sizes stay. */
static void write_value(struct file *file, const void *value, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        file->status = hayi_fail(file->err, HAY_ENOMEM, "out of memory");
        return;
    }
    memcpy(copy, value, size);
    file->status =
        hayi_value_objects(copy, size, forget_place, NULL, file->err);
    if (file->status == HAY_OK) {
        write_part(file, copy, size);
    }
    free(copy);
}

/* The folder is made with the first file. */
static void open_new(struct file *file)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    file->fd = open(file->path, flags, 0666);
    if (file->fd < 0 && errno == ENOENT) {
        char *slash = strrchr(file->path, '/');
        *slash = 0;
        (void)mkdir(file->path, 0777);
        *slash = '/';
        file->fd = open(file->path, flags, 0666);
    }
    if (file->fd < 0) {
        fail(file);
    }
}

hay_status hayi_kept_write(const struct hayi_kept_name *name,
                           const void *value,
                           size_t size,
                           struct hayi_store *store,
                           struct hayi_kept *kept,
                           struct hayi_error *err)
{
    struct file file = {.fd = -1, .store = store, .err = err};
    const struct head head = head_of(name, size);
    if (name_file(name, file.path, sizeof(file.path)) != HAY_OK) {
        return hayi_fail(err, HAY_EIO, "%s: too long a path", name->folder);
    }
    open_new(&file);
    if (file.status == HAY_OK) {
        write_part(&file, &head, sizeof(head));
    }
    if (file.status == HAY_OK) {
        write_value(&file, value, size);
    }
    if (file.status == HAY_OK) {
        union {
            const void *given;
            void *read;
        } bytes = {.given = value}; /* nothing is changed in it */
        (void)hayi_value_objects(bytes.read, size, write_object, &file, NULL);
    }
    if (file.fd >= 0 && close(file.fd) != 0 && file.status == HAY_OK) {
        fail(&file);
    }
    if (file.status != HAY_OK) {
        (void)unlink(file.path);
        return file.status;
    }
    *kept = (struct hayi_kept){.bytes = file.bytes, .hash = file.hash};
    return HAY_OK;
}

/* ---- reading ------------------------------------------------------------- */

static void read_part(struct file *file, void *data, size_t size)
{
    char *at = data;
    size_t left = size;
    while (left > 0) {
        ssize_t n =
            read(file->fd, at, left < WRITE_MAX ? left : (size_t)WRITE_MAX);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0) {
            file->status = hayi_fail(
                file->err, HAY_EIO, "%s: it ends too soon", file->path);
            return;
        }
        if (n < 0) {
            fail(file);
            return;
        }
        at += n;
        left -= (size_t)n;
    }
    count_part(file, data, size);
}

static void read_object(void *context, struct hayi_object_value *object)
{
    struct file *file = context;
    void *data = NULL;
    object->object = 0;
    object->place = 0;
    if (file->status != HAY_OK) {
        return;
    }
    if (object->size == 0) {
        file->status = hayi_fail(
            file->err, HAY_EIO, "%s: not what was written", file->path);
        return;
    }
    file->status = hayi_store_create(
        file->store, object->size, &object->place, &data, file->err);
    if (file->status == HAY_OK) {
        read_part(file, data, (size_t)object->size);
        hayi_store_seal(file->store, object->place, 0);
    }
}

static void drop_object(void *context, struct hayi_object_value *object)
{
    if (object->place != 0) {
        hayi_store_drop(context, object->place);
    }
}

static void count_object(void *context, struct hayi_object_value *object)
{
    (void)object;
    ++*(uint32_t *)context;
}

/* The file's, and the sizes in it are those of the whole. */
static hay_status read_head(struct file *file,
                            const struct hayi_kept_name *name,
                            const struct hayi_kept *kept,
                            uint64_t *value_size)
{
    struct stat st;
    struct head head;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &st) != 0) {
        fail(file);
        return file->status;
    }
    read_part(file, &head, sizeof(head));
    if (file->status != HAY_OK) {
        return file->status;
    }
    const struct head like = head_of(name, (size_t)head.value_size);
    if ((uint64_t)st.st_size != kept->bytes
        || memcmp(&head, &like, sizeof(head)) != 0
        || head.value_size > kept->bytes - sizeof(head)) {
        file->status = hayi_fail(
            file->err, HAY_EIO, "%s: not what was written", file->path);
    }
    *value_size = head.value_size;
    return file->status;
}

static hay_status read_objects(struct file *file,
                               const struct hayi_kept *kept,
                               void *value,
                               size_t size,
                               uint32_t *count)
{
    uint32_t objects = 0;
    read_part(file, value, size);
    if (file->status == HAY_OK) {
        file->status =
            hayi_value_objects(value, size, count_object, &objects, file->err);
    }
    if (file->status != HAY_OK) {
        return file->status;
    }
    if (objects > 0 && file->store == NULL) {
        return hayi_fail(file->err, HAY_EIO, "there is no store here");
    }
    (void)hayi_value_objects(value, size, read_object, file, NULL);
    if (file->status == HAY_OK
        && (file->bytes != kept->bytes || file->hash != kept->hash)) {
        file->status = hayi_fail(
            file->err, HAY_EIO, "%s: not what was written", file->path);
    }
    if (file->status != HAY_OK && objects > 0) {
        (void)hayi_value_objects(value, size, drop_object, file->store, NULL);
    }
    *count = objects;
    return file->status;
}

hay_status hayi_kept_read(const struct hayi_kept_name *name,
                          const struct hayi_kept *kept,
                          struct hayi_store *store,
                          struct hayi_buffer *value,
                          uint32_t *count,
                          struct hayi_error *err)
{
    struct file file = {.fd = -1, .store = store, .err = err};
    uint64_t size = 0;
    uint32_t objects = 0;
    if (name_file(name, file.path, sizeof(file.path)) != HAY_OK) {
        return hayi_fail(err, HAY_EIO, "%s: too long a path", name->folder);
    }
    hay_status status = read_head(&file, name, kept, &size);
    size_t before = value->size;
    void *place =
        status == HAY_OK ? hayi_buffer_extend(value, (size_t)size) : NULL;
    if (status == HAY_OK && place == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    } else if (status == HAY_OK) {
        status = read_objects(&file, kept, place, (size_t)size, &objects);
    }
    if (file.fd >= 0) {
        (void)close(file.fd);
    }
    if (status != HAY_OK) {
        value->size = before;
        return status;
    }
    *count = objects;
    return HAY_OK;
}

bool hayi_kept_is_there(const struct hayi_kept_name *name,
                        const struct hayi_kept *kept)
{
    char path[4200];
    struct stat st;
    return name_file(name, path, sizeof(path)) == HAY_OK && stat(path, &st) == 0
           && (uint64_t)st.st_size == kept->bytes;
}
