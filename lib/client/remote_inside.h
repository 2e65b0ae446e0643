/* remote_inside.h - the struct of remote_executor.h, for the files that make it
 * up: remote_executor.c (what tasks post, and its life), remote_take.c (what
 * the manager says).
 *
 * Owns: see remote_executor.h.
 * Never: included elsewhere.
 * Threads: see remote_executor.h.
 */
#ifndef HAYI_CLIENT_REMOTE_INSIDE_H
#define HAYI_CLIENT_REMOTE_INSIDE_H

#include "base/idmap.h"
#include "client/remote_executor.h"

enum {
    HAYI_REMOTE_RELEASES = 128, /* in one record */
};

/* A record that goes in pieces. */
struct hayi_remote_sending {
    hay_future *future; /* or NULL */
    unsigned char *head;
    size_t head_size;
    const unsigned char *in;
    uint64_t in_size;
    uint64_t sent, total;
};

struct hayi_remote {
    struct hayi_remote_config config;
    hay_executor *ex;
    atomic_uint_fast64_t posted; /* bytes */
    atomic_uint ask;             /* numbers that are wanted; 0: none */
    struct hayi_mpsc outbox;

    pthread_mutex_t mutex; /* of the numbers, held for short copies only */
    uint64_t next, end;    /* what is left of the block in use */
    uint64_t spare, spare_end;
    uint32_t block; /* the size of the newest */
    bool asked;

    /* who serves */
    struct hayi_idmap futures; /* written and not ended, by number */
    struct hayi_idmap items;   /* cancels, wants: by their cookie */
    uint64_t cookie;
    uint64_t released[HAYI_REMOTE_RELEASES];
    uint32_t released_count;
    struct hayi_remote_sending sending;
    bool changed; /* and nobody was woken yet */
    bool broken;
};

#endif
