/* h5store.c - see h5store.h: the mutex, the version, errors in words, opening
 * files.
 *
 * Why a file cannot be opened we find out ourselves, from the system and from
 * the first bytes of the file (its superblock, after HDF5's format
 * specification), since HDF5's own words are about its insides.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- version, mutex, words ---------------------------------------------- */

/* HDF5's own check prints and aborts, and so do its macros on the way. */
hay_status hayi_h5_check_version(struct hayi_error *err)
{
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    (void)pthread_mutex_lock(&mutex);
    herr_t result = H5get_libversion(&major, &minor, &release);
    (void)pthread_mutex_unlock(&mutex);
    if (result < 0) {
        return hayi_fail(err, HAY_EMISMATCH, "HDF5 does not tell its version");
    }
    if (major != H5_VERS_MAJOR || minor != H5_VERS_MINOR
        || release != H5_VERS_RELEASE) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "HDF5 %u.%u.%u is loaded, but Hayfork was built with "
                         "%d.%d.%d: build it again, or let the program find "
                         "the other one (LD_LIBRARY_PATH)",
                         major,
                         minor,
                         release,
                         H5_VERS_MAJOR,
                         H5_VERS_MINOR,
                         H5_VERS_RELEASE);
    }
    return HAY_OK;
}

hay_status hayi_h5_enter(struct hayi_h5_guard *guard, struct hayi_error *err)
{
    hay_status status = hayi_h5_check_version(err);
    if (status != HAY_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&mutex);
    *guard = (struct hayi_h5_guard){.quiet = false};
    if (H5Eget_auto2(H5E_DEFAULT, &guard->print, &guard->print_data) >= 0) {
        guard->quiet = H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0;
    }
    return HAY_OK;
}

void hayi_h5_leave(struct hayi_h5_guard *guard)
{
    if (guard->quiet) {
        (void)H5Eset_auto2(H5E_DEFAULT, guard->print, guard->print_data);
    }
    (void)pthread_mutex_unlock(&mutex);
}

struct words {
    char *text;
    size_t size;
};

static herr_t keep_words(unsigned n, const H5E_error2_t *error, void *data)
{
    const struct words *words = data;
    if (n == 0 && error->desc != NULL) {
        (void)snprintf(words->text, words->size, "%s", error->desc);
    }
    return 0;
}

const char *hayi_h5_words(char *text, size_t size)
{
    struct words words = {text, size};
    (void)snprintf(text, size, "HDF5 does not say why");
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_words, &words);
    return text;
}

void hayi_h5_close(hid_t handle)
{
    if (handle <= 0) {
        return;
    }
    switch (H5Iget_type(handle)) {
    case H5I_FILE:
        (void)H5Fclose(handle);
        break;
    case H5I_GROUP:
        (void)H5Gclose(handle);
        break;
    case H5I_DATATYPE:
        (void)H5Tclose(handle);
        break;
    case H5I_DATASPACE:
        (void)H5Sclose(handle);
        break;
    case H5I_DATASET:
        (void)H5Dclose(handle);
        break;
    case H5I_ATTR:
        (void)H5Aclose(handle);
        break;
    case H5I_GENPROP_LST:
        (void)H5Pclose(handle);
        break;
    default:
        break;
    }
}

hid_t hayi_h5_native(hay_dtype dtype)
{
    switch (dtype) {
    case HAY_F64:
        return H5T_NATIVE_DOUBLE;
    case HAY_F32:
        return H5T_NATIVE_FLOAT;
    case HAY_I64:
        return H5T_NATIVE_INT64;
    case HAY_I32:
        return H5T_NATIVE_INT32;
    case HAY_I16:
        return H5T_NATIVE_INT16;
    case HAY_I8:
        return H5T_NATIVE_INT8;
    case HAY_U64:
        return H5T_NATIVE_UINT64;
    case HAY_U32:
        return H5T_NATIVE_UINT32;
    case HAY_U16:
        return H5T_NATIVE_UINT16;
    case HAY_U8:
        return H5T_NATIVE_UINT8;
    }
    return -1;
}

/* ---- files to be read --------------------------------------------------- */

/* What the superblock says, as far as it matters here. */
struct superblock {
    bool found;
    bool writing;
    uint64_t end;
};

static uint64_t little(const unsigned char *bytes, size_t count)
{
    uint64_t number = 0;
    while (count-- > 0) {
        number = number << 8 | bytes[count];
    }
    return number;
}

/* It lies at 0, or at 512 times a power of two behind a user's own bytes. */
static struct superblock look_at_superblock(int fd, uint64_t size_bytes)
{
    static const unsigned char signature[8] = "\x89HDF\r\n\x1a\n";
    struct superblock found = {.found = false};
    unsigned char head[56];
    for (uint64_t at = 0; at + sizeof(head) <= size_bytes;
         at = at == 0 ? 512 : 2 * at) {
        if (pread(fd, head, sizeof(head), (off_t)at) != (ssize_t)sizeof(head)) {
            break;
        }
        if (memcmp(head, signature, sizeof(signature)) != 0) {
            continue;
        }
        found.found = true;
        unsigned version = head[8];
        if (version >= 2 && head[9] == 8) {
            found.writing = version >= 3 && (head[11] & 5) != 0;
            found.end = little(head + 28, 8);
        } else if (version < 2 && head[13] == 8) {
            found.end = little(head + (version == 0 ? 40 : 44), 8);
        }
        break;
    }
    return found;
}

/* Is there an HDF5 file that can be opened? */
static hay_status
look_at_file(const char *path, struct stat *st, struct hayi_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int why = errno;
        return why == ENOENT ? hayi_fail(err, HAY_EIO, "no such file: %s", path)
               : why == EACCES
                   ? hayi_fail(err, HAY_EIO, "no permission to read %s", path)
                   : hayi_fail(
                       err, HAY_EIO, "cannot open %s: %s", path, strerror(why));
    }
    hay_status status = HAY_OK;
    if (fstat(fd, st) != 0) {
        status = hayi_fail(
            err, HAY_EIO, "cannot look at %s: %s", path, strerror(errno));
    } else if (!S_ISREG(st->st_mode)) {
        status = hayi_fail(err,
                           HAY_EIO,
                           "%s is %s, not an HDF5 file",
                           path,
                           S_ISDIR(st->st_mode) ? "a folder" : "no file");
    } else {
        uint64_t size = (uint64_t)st->st_size;
        struct superblock block = look_at_superblock(fd, size);
        if (!block.found) {
            status = hayi_fail(err, HAY_EIO, "%s is not an HDF5 file", path);
        } else if (block.writing) {
            status = hayi_fail(err,
                               HAY_EIO,
                               "%s is open for writing by another program; if "
                               "that one is dead, 'h5clear -s %s' takes the "
                               "mark away",
                               path,
                               path);
        } else if (block.end > size) {
            status = hayi_fail(err,
                               HAY_EIO,
                               "%s is truncated: it has %" PRIu64
                               " bytes, and should have %" PRIu64,
                               path,
                               size,
                               block.end);
        }
    }
    (void)close(fd);
    return status;
}

hid_t hayi_h5_access(bool newest)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#ifdef HAVE_H5PSET_FILE_LOCKING
    (void)H5Pset_file_locking(access, false, true);
#endif
    if (newest) {
        /* What 1.10 can read, whatever we are. */
        (void)H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
        (void)H5Pset_alignment(access, 4096, 4096);
    }
    return access;
}

hay_status hayi_h5_open_file(const char *path,
                             hid_t *file,
                             struct stat *st,
                             struct hayi_error *err)
{
    struct stat seen;
    hay_status status = look_at_file(path, &seen, err);
    if (status != HAY_OK) {
        return status;
    }
    /* As everybody does, since all who have one file open in a process must
     * agree on locks; without locks where that does not work. */
    hid_t opened = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (opened < 0) {
        hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#ifdef HAVE_H5PSET_FILE_LOCKING
        (void)H5Pset_file_locking(access, false, true);
#else
        (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
#endif
        opened = H5Fopen(path, H5F_ACC_RDONLY, access);
        hayi_h5_close(access);
    }
    if (opened < 0) {
        char text[200];
        status = hayi_fail(err,
                           HAY_EIO,
                           "HDF5 cannot open %s: %s",
                           path,
                           hayi_h5_words(text, sizeof(text)));
    } else {
        *file = opened;
        *st = seen;
    }
    return status;
}

bool hayi_h5_link_there(hid_t file, const char *name)
{
    char part[HAYI_H5_LINK_MAX];
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof(part)) {
        return false;
    }
    /* Every group on the way must be asked for. */
    for (size_t i = 1; i <= length; i++) {
        if ((name[i] == '/' || name[i] == 0) && name[i - 1] != '/') {
            memcpy(part, name, i);
            part[i] = 0;
            if (H5Lexists(file, part, H5P_DEFAULT) <= 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- files to be made --------------------------------------------------- */

hay_status
hayi_h5_whole_path(const char *given, char *path, struct hayi_error *err)
{
    size_t length = given == NULL ? 0 : strlen(given);
    if (length == 0 || given[length - 1] == '/') {
        return hayi_fail(err, HAY_EINVAL, "the name of the file is missing");
    }
    char *copy = strdup(given);
    char *other = strdup(given);
    char *folder = NULL;
    hay_status status = HAY_OK;
    if (copy == NULL || other == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    } else if ((folder = realpath(dirname(copy), NULL)) == NULL) {
        status = hayi_fail(err,
                           HAY_EIO,
                           "%s cannot be made, its folder is not there: %s",
                           given,
                           strerror(errno));
    } else {
        const char *base = basename(other);
        const char *between = strcmp(folder, "/") == 0 ? "" : "/";
        /* With room for what is appended. */
        if (strlen(folder) + strlen(base) + 32 > HAYI_DATASET_PATH_MAX) {
            status = hayi_fail(err, HAY_EINVAL, "the path is too long");
        } else {
            (void)snprintf(path,
                           HAYI_DATASET_PATH_MAX + 1,
                           "%s%s%s",
                           folder,
                           between,
                           base);
        }
    }
    free(folder);
    free(copy);
    free(other);
    return status;
}

char *hayi_h5_part_of(const char *path, const char *ending)
{
    size_t room = strlen(path) + strlen(ending) + 1;
    char *part = malloc(room);
    if (part != NULL) {
        (void)snprintf(part, room, "%s%s", path, ending);
    }
    return part;
}

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int result = fsync(fd);
    int why = errno;
    (void)close(fd);
    errno = why;
    return result;
}

hay_status hayi_h5_publish(const char *part,
                           const char *path,
                           bool sync,
                           struct hayi_error *err)
{
    if ((sync && sync_path(part) != 0) || rename(part, path) != 0) {
        int why = errno;
        (void)unlink(part);
        return hayi_fail(
            err, HAY_EIO, "cannot write %s: %s", path, strerror(why));
    }
    if (sync) {
        char *copy = strdup(path);
        if (copy != NULL) {
            (void)sync_path(dirname(copy));
            free(copy);
        }
    }
    return HAY_OK;
}
