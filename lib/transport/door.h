/* door.h - how others may join a farm that runs: where it listens, and the
 * secret that opens it.  Lies in the run folder, for its owner's eyes only.
 *
 * Owns: nothing.
 * Never: reads a file that others may read, too.
 * Threads: any.
 */
#ifndef HAYI_TRANSPORT_DOOR_H
#define HAYI_TRANSPORT_DOOR_H

#include "base/error.h"

#define HAYI_DOOR_FILE "join" /* in the run folder */

enum {
    HAYI_DOOR_KEY = 41, /* Z85, with the 0 */
    HAYI_DOOR_ADDRESSES = 9,
    HAYI_DOOR_ADDRESS = 64,
};

struct hayi_door {
    char server_public[HAYI_DOOR_KEY];
    char guest_public[HAYI_DOOR_KEY];
    char guest_secret[HAYI_DOOR_KEY];
    uint32_t address_count;
    char addresses[HAYI_DOOR_ADDRESSES][HAYI_DOOR_ADDRESS]; /* tcp://A.B.C.D:P,
                                                               best first */
};

/* Readable by nobody but its owner; comes into being whole.  HAY_EIO. */
hay_status hayi_door_write(const char *path,
                           const struct hayi_door *door,
                           struct hayi_error *err);
/* HAY_EIO: cannot be read; HAY_EINVAL: is no such file, or others may read it.
 */
hay_status hayi_door_read(const char *path,
                          struct hayi_door *door,
                          struct hayi_error *err);

#endif
