/* manager_nested.h - clients in workers: the futures that the manager has made
 * for tasks of other processes (records: wire/nest.h).
 *
 * Owns: a count of each such future until its client has released it, or is
 *     gone; the items of a map that came with it.
 * Never: decides.
 * Threads: the loop's own.
 */
#ifndef HAYI_MANAGER_MANAGER_NESTED_H
#define HAYI_MANAGER_MANAGER_NESTED_H

#include "client/watch.h"
#include "manager/manager_inside.h"
#include "wire/nest.h"

/* A client in a worker. */
struct hayi_nest_client {
    struct hayi_nest_client *next, **link; /* in its peer's list */
    struct hayi_nested *list;              /* its futures, the newest first */
    struct hayi_nest_whole whole;          /* a record that comes in pieces */
    uint32_t peer;
    uint32_t number; /* in that worker */
};

/* A future of a client's. */
struct hayi_nested {
    struct hayi_watch watch; /* first; tells its end */
    struct hayi_manager *manager;
    struct hayi_nest_client *client; /* NULL: it is gone */
    struct hayi_nested *next, **link;
    hay_future *future; /* counted */
    bool ended;         /* and told */
    unsigned char *in;  /* a map's, malloc'ed with the record; or NULL */
    void *out;          /* of a map whose ranges write in place; or NULL */
};

/* A task that has ended, with the result that another one will have. */
struct hayi_following {
    hayi_handle task;
    hay_future *future; /* the other one; counted */
    struct hayi_report report;
    char had[256];
};

/* Items of a map that are done. */
struct hayi_nest_items {
    uint64_t first, count;
    uint64_t failed;
    const hay_map_failure *failures;
    size_t failure_count;
    const void *out; /* of those that a worker has sent */
    uint64_t out_bytes;
};

/* manager_nested.c */
/* A record of hayi_nest_is(type, true).  HAY_EMISMATCH with words: the worker
 * cannot be trusted. */
hay_status hayi_manager_nested_record(struct hayi_manager *manager,
                                      const struct hayi_peer *peer,
                                      uint16_t type,
                                      const void *body,
                                      size_t size,
                                      struct hayi_error *err);
/* The future of this number; NULL: there is none. */
hay_future *hayi_manager_nested_find(const struct hayi_manager *manager,
                                     hay_task_id id);
/* A worker is lost: its clients are gone; in a step they end after it. */
void hayi_manager_nested_lost(struct hayi_manager *manager, uint32_t peer);
/* After the outermost step: ends those that were lost within it. */
void hayi_manager_nested_settle(struct hayi_manager *manager);
/* At the end: all. */
void hayi_manager_nested_free(struct hayi_manager *manager);

/* manager_follow.c */
/* A report says so: its value is a struct hayi_follow.  HAY_EMISMATCH. */
hay_status hayi_manager_follow(struct hayi_manager *manager,
                               struct hayi_event *event,
                               struct hayi_report *report,
                               struct hayi_error *err);
/* It is told now: given, with the other one's result in its report, or NULL. */
struct hayi_following *
hayi_manager_take_following(struct hayi_manager *manager,
                            const hay_future *future,
                            const struct hayi_action *tell);
/* Why its result is none. */
void hayi_manager_word_following(const struct hayi_following *following,
                                 struct hayi_result *own);
void hayi_manager_drop_following(struct hayi_following *following);
void hayi_manager_following_free(struct hayi_manager *manager);

/* manager_nested_tell.c */
/* The worker's future has another state (it is one of ours: remembered has
 * HAYI_MANAGER_NESTED). */
void hayi_manager_nested_state(struct hayi_manager *manager,
                               const hay_future *future,
                               hay_state state);
/* Items of a map of ours are done. */
void hayi_manager_nested_range(struct hayi_manager *manager,
                               const hay_future *map,
                               const struct hayi_nest_items *items);
void hayi_manager_nested_ended(const struct hayi_nested *nested);
void hayi_manager_nested_answer(struct hayi_manager *manager,
                                uint32_t peer,
                                uint32_t client,
                                uint64_t cookie,
                                hay_status status,
                                const char *words,
                                const uint64_t *places,
                                size_t place_count);
/* What this client says cannot be. */
void hayi_manager_nested_broken(struct hayi_manager *manager,
                                uint32_t peer,
                                uint32_t client);
void hayi_manager_nested_grant(struct hayi_manager *manager,
                               const struct hayi_peer *peer,
                               const struct hayi_nest_ask *ask);

#endif
