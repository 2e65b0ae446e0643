/* guest.h - how a task reaches the objects of its node: the store itself or, in
 * a child, what its rank opens and makes for it.
 *
 * Owns: nothing.
 * Never: knows which of the two it is, beyond one look.
 * Threads: the slot's own.
 */
#ifndef HAYI_WORKER_GUEST_H
#define HAYI_WORKER_GUEST_H

#include "data/store.h"

struct hayi_task_farm;

/* As the functions of store.h that are named so; the first member of whoever
 * implements it. */
struct hayi_guest {
    hay_status (*pin)(struct hayi_guest *guest,
                      hayi_place place,
                      const void **data,
                      uint64_t *size_bytes,
                      struct hayi_error *err);
    hay_status (*create)(struct hayi_guest *guest,
                         uint64_t size_bytes,
                         hayi_place *place,
                         void **data,
                         struct hayi_error *err);
    void (*seal)(struct hayi_guest *guest, hayi_place place);
    void (*abandon)(struct hayi_guest *guest, hayi_place place);
    /* Instead of seal: it is written, and belongs to a value that is put; it is
     * sealed with the record of the put. */
    void (*give_away)(struct hayi_guest *guest, hayi_place place);
    /* Of a result that the task reads: as pin, of any object; from its thread.
     * Given back at the end of the attempt, or before by: */
    hay_status (*fetch)(struct hayi_guest *guest,
                        hayi_place place,
                        const void **data,
                        uint64_t *size_bytes,
                        struct hayi_error *err);
    void (*give_back)(struct hayi_guest *guest, hayi_place place);
};

bool hayi_guest_has_store(const struct hayi_task_farm *farm);
hay_status hayi_guest_pin(const struct hayi_task_farm *farm,
                          hayi_place place,
                          const void **data,
                          uint64_t *size_bytes,
                          struct hayi_error *err);
void hayi_guest_unpin(const struct hayi_task_farm *farm, hayi_place place);
hay_status hayi_guest_create(const struct hayi_task_farm *farm,
                             uint64_t size_bytes,
                             hayi_place *place,
                             void **data,
                             struct hayi_error *err);
void hayi_guest_seal(const struct hayi_task_farm *farm, hayi_place place);
void hayi_guest_abandon(const struct hayi_task_farm *farm, hayi_place place);

#endif
