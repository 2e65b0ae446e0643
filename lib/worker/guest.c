/* guest.c - see guest.h. */
#include "config.h"

#include "worker/guest.h"

#include "worker/task.h"

bool hayi_guest_has_store(const struct hayi_task_farm *farm)
{
    return farm->guest != NULL || farm->store != NULL;
}

hay_status hayi_guest_pin(const struct hayi_task_farm *farm,
                          hayi_place place,
                          const void **data,
                          uint64_t *size_bytes,
                          struct hayi_error *err)
{
    return farm->guest != NULL
               ? farm->guest->pin(farm->guest, place, data, size_bytes, err)
               : hayi_store_pin(farm->store, place, data, size_bytes, err);
}

void hayi_guest_unpin(const struct hayi_task_farm *farm, hayi_place place)
{
    if (farm->guest == NULL) { /* else the rank does it, at the end */
        hayi_store_unpin(farm->store, place);
    }
}

hay_status hayi_guest_create(const struct hayi_task_farm *farm,
                             uint64_t size_bytes,
                             hayi_place *place,
                             void **data,
                             struct hayi_error *err)
{
    return farm->guest != NULL
               ? farm->guest->create(farm->guest, size_bytes, place, data, err)
               : hayi_store_create(farm->store, size_bytes, place, data, err);
}

void hayi_guest_seal(const struct hayi_task_farm *farm, hayi_place place)
{
    if (farm->guest != NULL) {
        farm->guest->seal(farm->guest, place);
    } else {
        hayi_store_seal(farm->store, place, 0);
    }
}

void hayi_guest_abandon(const struct hayi_task_farm *farm, hayi_place place)
{
    if (farm->guest != NULL) {
        farm->guest->abandon(farm->guest, place);
    } else {
        hayi_store_abandon(farm->store, place);
    }
}
