/* h5store_site.c - a file under construction: room for it, its beginning and
 * end, what results and records are made of.
 *
 * Names in a file, groups too, carry no times, so that equal contents are equal
 * files.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

hay_status hayi_h5_site_failed(const struct hayi_h5_site *site,
                               const char *what,
                               struct hayi_error *err)
{
    char text[200];
    return hayi_fail(err,
                     HAY_EIO,
                     "cannot make %s in %s: %s",
                     what,
                     site->path,
                     hayi_h5_words(text, sizeof(text)));
}

/* ---- space on disk ------------------------------------------------------ */

static hay_status
no_room(const char *path, uint64_t bytes, int why, struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EIO,
                     "no room for %s: it needs %" PRIu64 " MiB: %s",
                     path,
                     (bytes >> 20) + ((bytes & 0xfffff) != 0),
                     strerror(why));
}

hay_status hayi_h5_site_look_for_room(const char *path,
                                      uint64_t bytes,
                                      struct hayi_error *err)
{
    char folder[HAYI_DATASET_PATH_MAX + 1];
    struct statvfs there;
    (void)snprintf(folder, sizeof(folder), "%s", path);
    if (statvfs(dirname(folder), &there) != 0 || there.f_blocks == 0) {
        return HAY_OK; /* what follows will tell */
    }
    uint64_t block = there.f_frsize != 0 ? there.f_frsize : there.f_bsize;
    if (bytes / block >= there.f_bavail) {
        return no_room(path, bytes, ENOSPC, err);
    }
    return HAY_OK;
}

/* Some file systems cannot promise it. */
static bool is_no(int why)
{
    return why != 0 && why != EOPNOTSUPP && why != EINVAL && why != ENOSYS;
}

hay_status hayi_h5_site_grow(const struct hayi_h5_site *site,
                             uint64_t size_bytes,
                             uint64_t allocated,
                             struct hayi_error *err)
{
    int fd = open(site->part, O_RDWR | O_CLOEXEC);
    int why = fd < 0 ? errno : 0;
    if (fd >= 0) {
        if (allocated != 0) {
            why = posix_fallocate(fd, 0, (off_t)allocated);
            why = is_no(why) ? why : 0;
        }
        if (why == 0 && size_bytes > allocated
            && ftruncate(fd, (off_t)size_bytes) != 0) {
            why = errno;
        }
        (void)close(fd);
    }
    return why == 0 ? HAY_OK : no_room(site->path, size_bytes, why, err);
}

hay_status hayi_h5_site_allocate(const struct hayi_h5_site *site,
                                 struct stat *st,
                                 struct hayi_error *err)
{
    int fd = open(site->part, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return hayi_fail(
            err, HAY_EIO, "cannot make %s: %s", site->path, strerror(errno));
    }
    hay_status status = HAY_OK;
    if (fstat(fd, st) != 0) {
        status = hayi_fail(
            err, HAY_EIO, "cannot look at %s: %s", site->path, strerror(errno));
    } else if (st->st_size > 0) {
        int why = posix_fallocate(fd, 0, st->st_size);
        if (is_no(why)) {
            status = no_room(site->path, (uint64_t)st->st_size, why, err);
        }
    }
    if (close(fd) != 0 && status == HAY_OK) {
        status = no_room(site->path, (uint64_t)st->st_size, errno, err);
    }
    return status;
}

/* ---- what a file is made of --------------------------------------------- */

hid_t hayi_h5_without_times(hid_t class)
{
    hid_t plist = H5Pcreate(class);
    (void)H5Pset_obj_track_times(plist, false);
    return plist;
}

hay_status hayi_h5_site_start(struct hayi_h5_site *site, struct hayi_error *err)
{
    int fd = open(site->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return hayi_fail(
            err, HAY_EIO, "cannot make %s: %s", site->path, strerror(errno));
    }
    (void)close(fd);
    hay_status status =
        hayi_h5_site_grow(site, site->need_bytes, site->metadata_bytes, err);
    if (status != HAY_OK) {
        return status;
    }
    hid_t access = hayi_h5_access(true);
    hid_t creation = hayi_h5_without_times(H5P_FILE_CREATE);
    site->file = H5Fcreate(site->part, H5F_ACC_TRUNC, creation, access);
    if (site->file < 0) {
        status = hayi_h5_site_failed(site, "a file", err);
    }
    hayi_h5_close(creation);
    hayi_h5_close(access);
    return status;
}

hay_status hayi_h5_site_end(struct hayi_h5_site *site, struct hayi_error *err)
{
    hid_t file = site->file;
    site->file = 0;
    return H5Fclose(file) < 0 ? hayi_h5_site_failed(site, "the end", err)
                              : HAY_OK;
}

hay_status hayi_h5_site_groups(const struct hayi_h5_site *site,
                               const char *name,
                               struct hayi_error *err)
{
    char part[HAYI_DATASET_NAME_MAX + 1];
    hay_status status = HAY_OK;
    hid_t creation = hayi_h5_without_times(H5P_GROUP_CREATE);
    for (size_t i = 1; status == HAY_OK && name[i] != 0; i++) {
        if (name[i] != '/' || name[i - 1] == '/') {
            continue;
        }
        memcpy(part, name, i);
        part[i] = 0;
        if (H5Lexists(site->file, part, H5P_DEFAULT) > 0) {
            continue;
        }
        hid_t group =
            H5Gcreate2(site->file, part, H5P_DEFAULT, creation, H5P_DEFAULT);
        if (group < 0) {
            status = hayi_h5_site_failed(site, part, err);
        }
        hayi_h5_close(group);
    }
    hayi_h5_close(creation);
    return status;
}

hay_status hayi_h5_site_contiguous(const struct hayi_h5_site *site,
                                   const char *name,
                                   hid_t type,
                                   hid_t space,
                                   uint64_t *address,
                                   struct hayi_error *err)
{
    hay_status status = HAY_OK;
    hid_t plist = hayi_h5_without_times(H5P_DATASET_CREATE);
    (void)H5Pset_layout(plist, H5D_CONTIGUOUS);
    (void)H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    (void)H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(
        site->file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (dataset < 0) {
        status = hayi_h5_site_failed(site, name, err);
    } else {
        haddr_t at = H5Dget_offset(dataset);
        *address = at == HADDR_UNDEF ? 0 : at;
    }
    hayi_h5_close(dataset);
    hayi_h5_close(plist);
    return status;
}

hid_t hayi_h5_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, size == 0 ? 1 : size);
    (void)H5Tset_strpad(type, H5T_STR_NULLPAD);
    (void)H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

bool hayi_h5_name_fits(const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name);
    return length > 0 && length <= HAYI_DATASET_NAME_MAX
           && name[length - 1] != '/' && strcmp(name, ".") != 0;
}
