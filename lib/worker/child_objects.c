/* child_objects.c - see child_objects.h. */
#include "config.h"

#include "worker/child_objects.h"

#include "worker/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct hayi_child_extent {
    uint64_t place; /* 0: an input in the spill file */
    void *data;
    size_t size_bytes;
};

#define POPULATE_MAX (UINT64_C(1) << 28)

/* ---- mapping ------------------------------------------------------------- */

static hay_status map_object(struct hayi_child_objects *objects,
                             const struct hayi_child_object *object,
                             bool writable,
                             void **data,
                             struct hayi_error *err)
{
    if (objects->extent_count == objects->extent_room) {
        size_t room = objects->extent_room == 0 ? 16 : objects->extent_room * 2;
        void *list =
            realloc(objects->extents, room * sizeof(*objects->extents));
        if (list == NULL) {
            return hayi_fail(err, HAY_ENOMEM, "out of memory for an object");
        }
        objects->extents = list;
        objects->extent_room = room;
    }
    /* It will be written: all its pages in one call, not with a fault each. */
    bool at_once =
        writable && object->spilled == 0 && object->size_bytes <= POPULATE_MAX;
    void *at =
        mmap(NULL,
             (size_t)object->size_bytes,
             writable ? PROT_READ | PROT_WRITE : PROT_READ,
             MAP_SHARED | (at_once ? MAP_POPULATE : 0),
             object->spilled != 0 ? objects->spill_fd : objects->store_fd,
             (off_t)object->offset);
    if (at == MAP_FAILED) {
        return hayi_fail(err,
                         HAY_EIO,
                         "cannot map an object of %llu bytes: %s",
                         (unsigned long long)object->size_bytes,
                         strerror(errno));
    }
    objects->extents[objects->extent_count++] = (struct hayi_child_extent){
        writable ? object->place : 0, at, (size_t)object->size_bytes};
    *data = at;
    return HAY_OK;
}

static void unmap(struct hayi_child_objects *objects, size_t i)
{
    struct hayi_child_extent *extent = &objects->extents[i];
    (void)munmap(extent->data, extent->size_bytes);
    *extent = objects->extents[--objects->extent_count];
}

/* ---- the guest ----------------------------------------------------------- */

static hay_status pin(struct hayi_guest *guest,
                      hayi_place place,
                      const void **data,
                      uint64_t *size_bytes,
                      struct hayi_error *err)
{
    struct hayi_child_objects *objects = (struct hayi_child_objects *)guest;
    const struct hayi_child_object *object = NULL;
    /* They are asked for in the order in which the rank has written them. */
    for (size_t i = 0; i < objects->input_count && object == NULL; i++) {
        size_t at = objects->input_next++ % objects->input_count;
        object =
            objects->inputs[at].place == place ? &objects->inputs[at] : NULL;
    }
    if (object == NULL) {
        return hayi_fail(err, HAY_EIO, "an input was not opened for this task");
    }
    void *mapped = NULL;
    hay_status status = HAY_OK;
    if (object->spilled != 0) {
        status = map_object(objects, object, false, &mapped, err);
        *data = status == HAY_OK ? mapped : *data;
    } else {
        *data =
            objects->units + (object->offset - objects->link->area->units_at);
    }
    if (status == HAY_OK) {
        *size_bytes = object->size_bytes;
    }
    return status;
}

static void say_place(struct hayi_child_objects *objects,
                      uint32_t kind,
                      uint64_t place,
                      bool wake)
{
    const struct hayi_child_create head = {.place = place};
    const struct hayi_pipe_part part = {&head, sizeof(head)};
    hayi_child_link_send(objects->link, kind, &part, 1, wake);
}

/* The rank's answer to what was just asked. */
static hay_status await_answer(struct hayi_child_objects *objects,
                               struct hayi_child_answer *answer,
                               struct hayi_error *err)
{
    struct hayi_pipe_record record;
    const void *body;
    hayi_child_link_await(objects->link, HAYI_CHILD_ANSWER, &record, &body);
    memcpy(answer, body, sizeof(*answer));
    return answer->status == HAY_OK
               ? HAY_OK
               : hayi_fail(err,
                           (hay_status)answer->status,
                           "%s",
                           (const char *)body + sizeof(*answer));
}

/* Where an object lies that is not ours to write. */
static hay_status show(struct hayi_child_objects *objects,
                       const struct hayi_child_object *object,
                       const void **data,
                       struct hayi_error *err)
{
    void *mapped = NULL;
    if (object->spilled == 0) {
        *data =
            objects->units + (object->offset - objects->link->area->units_at);
        return HAY_OK;
    }
    hay_status status = map_object(objects, object, false, &mapped, err);
    *data = status == HAY_OK ? mapped : *data;
    return status;
}

static void give_back(struct hayi_guest *guest, hayi_place place)
{
    say_place(
        (struct hayi_child_objects *)guest, HAYI_CHILD_UNPIN, place, false);
}

static hay_status fetch(struct hayi_guest *guest,
                        hayi_place place,
                        const void **data,
                        uint64_t *size_bytes,
                        struct hayi_error *err)
{
    struct hayi_child_objects *objects = (struct hayi_child_objects *)guest;
    struct hayi_child_answer answer;
    if (hayi_task_current() == NULL) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "in a process slot only the thread that runs the "
                         "task may read large results");
    }
    say_place(objects, HAYI_CHILD_PIN, place, true);
    hay_status status = await_answer(objects, &answer, err);
    if (status != HAY_OK) {
        return status;
    }
    status = show(objects, &answer.object, data, err);
    if (status == HAY_OK) {
        *size_bytes = answer.object.size_bytes;
    } else {
        give_back(guest, place);
    }
    return status;
}

static void tell_abandoned(struct hayi_child_objects *objects, uint64_t place)
{
    say_place(objects, HAYI_CHILD_ABANDON, place, false);
}

static hay_status create(struct hayi_guest *guest,
                         uint64_t size_bytes,
                         hayi_place *place,
                         void **data,
                         struct hayi_error *err)
{
    struct hayi_child_objects *objects = (struct hayi_child_objects *)guest;
    const struct hayi_child_create ask = {.size_bytes = size_bytes};
    const struct hayi_pipe_part part = {&ask, sizeof(ask)};
    struct hayi_child_answer answer;
    hayi_child_link_send(objects->link, HAYI_CHILD_CREATE, &part, 1, true);
    hay_status status = await_answer(objects, &answer, err);
    if (status != HAY_OK) {
        return status;
    }
    status = map_object(objects, &answer.object, true, data, err);
    if (status != HAY_OK) {
        tell_abandoned(objects, answer.object.place);
        return status;
    }
    *place = answer.object.place;
    return HAY_OK;
}

static void drop(struct hayi_child_objects *objects, hayi_place place)
{
    for (size_t i = 0; i < objects->extent_count; i++) {
        if (objects->extents[i].place == place) {
            unmap(objects, i);
            return;
        }
    }
}

static void seal(struct hayi_guest *guest, hayi_place place)
{
    struct hayi_child_objects *objects = (struct hayi_child_objects *)guest;
    drop(objects, place);
    if (hayi_buffer_append(&objects->sealed, &place, sizeof(place)) != HAY_OK) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
}

static void give_away(struct hayi_guest *guest, hayi_place place)
{
    drop((struct hayi_child_objects *)guest, place);
}

static void abandon(struct hayi_guest *guest, hayi_place place)
{
    struct hayi_child_objects *objects = (struct hayi_child_objects *)guest;
    if (hayi_task_current() != NULL) {
        drop(objects, place);
    }
    tell_abandoned(objects, place);
}

/* ---- life ---------------------------------------------------------------- */

static int open_file(const struct hayi_child_area *area,
                     const struct hayi_child_file *file)
{
    char path[60];
    struct stat info;
    (void)snprintf(
        path, sizeof(path), "/proc/%d/fd/%d", area->rank_pid, file->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &info) != 0 || info.st_ino != file->inode)) {
        (void)close(fd);
        errno = ESTALE;
        fd = -1;
    }
    return fd;
}

hay_status hayi_child_objects_init(struct hayi_child_objects *objects,
                                   struct hayi_child_link *link,
                                   struct hayi_error *err)
{
    const struct hayi_child_area *area = link->area;
    *objects = (struct hayi_child_objects){
        .guest = {.pin = pin,
                  .create = create,
                  .seal = seal,
                  .abandon = abandon,
                  .give_away = give_away,
                  .fetch = fetch,
                  .give_back = give_back},
        .link = link,
        .store_fd = -1,
        .spill_fd = -1,
    };
    hayi_buffer_init(&objects->sealed);
    if (area->store.fd < 0) {
        return HAY_OK;
    }
    objects->store_fd = open_file(area, &area->store);
    void *units = MAP_FAILED;
    if (objects->store_fd >= 0) {
        units = mmap(NULL,
                     (size_t)area->units_bytes,
                     PROT_READ,
                     MAP_SHARED | MAP_NORESERVE,
                     objects->store_fd,
                     (off_t)area->units_at);
    }
    if (units == MAP_FAILED) {
        return hayi_fail(err,
                         HAY_EIO,
                         "the store of its rank cannot be mapped: %s",
                         strerror(errno));
    }
    (void)madvise(units, (size_t)area->units_bytes, MADV_DONTDUMP);
    objects->units = units;
    if (area->spill.fd >= 0) {
        objects->spill_fd = open_file(area, &area->spill);
        if (objects->spill_fd < 0) {
            return hayi_fail(err,
                             HAY_EIO,
                             "the spill file of its rank cannot be opened: %s",
                             strerror(errno));
        }
    }
    return HAY_OK;
}

void hayi_child_objects_begin(struct hayi_child_objects *objects,
                              const struct hayi_child_object *inputs,
                              size_t count)
{
    objects->inputs = inputs;
    objects->input_count = count;
    objects->input_next = 0;
    objects->sealed.size = 0;
}

void hayi_child_objects_end(struct hayi_child_objects *objects)
{
    while (objects->extent_count > 0) {
        unmap(objects, objects->extent_count - 1);
    }
    objects->inputs = NULL;
    objects->input_count = 0;
}
