/* door.c - see door.h.  A file of lines:
 *
 *   hayfork join 1
 *   server KEY
 *   guest PUBLIC SECRET
 *   address tcp://A.B.C.D:PORT      (some)
 */
#include "config.h"

#include "transport/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "hayfork join 1\n"

enum { FILE_MAX = 2048 };

static size_t put_text(const struct hayi_door *door, char *text, size_t size)
{
    int n = snprintf(text,
                     size,
                     FIRST_LINE "server %s\nguest %s %s\n",
                     door->server_public,
                     door->guest_public,
                     door->guest_secret);
    for (uint32_t i = 0; i < door->address_count; i++) {
        n += snprintf(
            text + n, size - (size_t)n, "address %s\n", door->addresses[i]);
    }
    return (size_t)n;
}

static hay_status
io_error(const char *path, const char *what, struct hayi_error *err)
{
    return hayi_fail(err, HAY_EIO, "%s: %s: %s", path, what, strerror(errno));
}

hay_status hayi_door_write(const char *path,
                           const struct hayi_door *door,
                           struct hayi_error *err)
{
    char text[FILE_MAX];
    char fresh[4200];
    size_t size = put_text(door, text, sizeof text);
    int length = snprintf(fresh, sizeof fresh, "%s.new", path);
    if (length >= (int)sizeof fresh) {
        return hayi_fail(err, HAY_EINVAL, "a path is too long");
    }
    (void)unlink(fresh); /* of somebody who died */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return io_error(fresh, "cannot be made", err);
    }
    bool good = write(fd, text, size) == (ssize_t)size;
    good = close(fd) == 0 && good && rename(fresh, path) == 0;
    if (!good) {
        hay_status status = io_error(path, "cannot be written", err);
        (void)unlink(fresh);
        return status;
    }
    return HAY_OK;
}

/* One line at a time; false: it is none of ours. */
static bool take_line(const char *line, struct hayi_door *door)
{
    if (sscanf(line, "server %40s", door->server_public) == 1
        || sscanf(
               line, "guest %40s %40s", door->guest_public, door->guest_secret)
               == 2) {
        return true;
    }
    return door->address_count < HAYI_DOOR_ADDRESSES
           && sscanf(line, "address %63s", door->addresses[door->address_count])
                  == 1
           && ++door->address_count > 0;
}

static bool is_whole(const struct hayi_door *door)
{
    return strlen(door->server_public) == HAYI_DOOR_KEY - 1
           && strlen(door->guest_public) == HAYI_DOOR_KEY - 1
           && strlen(door->guest_secret) == HAYI_DOOR_KEY - 1
           && door->address_count > 0;
}

static hay_status read_lines(FILE *file,
                             const char *path,
                             struct hayi_door *door,
                             struct hayi_error *err)
{
    char line[256];
    struct stat st;
    if (fstat(fileno(file), &st) != 0) {
        return io_error(path, "cannot be read", err);
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s: others may read it or write to it (mode %03o): "
                         "it is a secret",
                         path,
                         (unsigned)st.st_mode & 0777U);
    }
    bool good =
        fgets(line, sizeof line, file) != NULL && strcmp(line, FIRST_LINE) == 0;
    while (good && fgets(line, sizeof line, file) != NULL) {
        good = take_line(line, door);
    }
    if (!good || !is_whole(door)) {
        return hayi_fail(
            err, HAY_EINVAL, "%s: is no file of this hayfork to join by", path);
    }
    return HAY_OK;
}

hay_status
hayi_door_read(const char *path, struct hayi_door *door, struct hayi_error *err)
{
    struct hayi_door found = {.address_count = 0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return io_error(path, "cannot be read", err);
    }
    hay_status status = read_lines(file, path, &found, err);
    (void)fclose(file);
    if (status == HAY_OK) {
        *door = found;
    }
    return status;
}
