/* child_objects.h - the objects of a node as a child sees them: inputs in the
 * store's memory, mapped read only, and room for results that its rank makes
 * and of which only this attempt's is writable.
 *
 * Owns: its mappings.
 * Never: changes the store's tables.
 * Threads: the child's own.
 */
#ifndef HAYI_WORKER_CHILD_OBJECTS_H
#define HAYI_WORKER_CHILD_OBJECTS_H

#include "base/buffer.h"
#include "worker/child_link.h"
#include "worker/guest.h"

struct hayi_child_extent;

struct hayi_child_objects {
    struct hayi_guest guest; /* first */
    struct hayi_child_link *link;
    int store_fd, spill_fd;     /* -1: none */
    const unsigned char *units; /* of the store; or NULL */
    /* of the attempt */
    const struct hayi_child_object *inputs; /* in the order of its arguments */
    size_t input_count, input_next;
    struct hayi_child_extent *extents; /* mapped for it */
    size_t extent_count, extent_room;
    struct hayi_buffer sealed; /* places (uint64_t) */
};

/* Opens the files that the area names.  HAY_EIO with words. */
hay_status hayi_child_objects_init(struct hayi_child_objects *objects,
                                   struct hayi_child_link *link,
                                   struct hayi_error *err);
/* inputs: borrowed until the end. */
void hayi_child_objects_begin(struct hayi_child_objects *objects,
                              const struct hayi_child_object *inputs,
                              size_t count);
/* Nothing of the attempt's is mapped any more; objects->sealed has what it
 * leaves, until the next one begins. */
void hayi_child_objects_end(struct hayi_child_objects *objects);

#endif
