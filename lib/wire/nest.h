/* nest.h - the records by which tasks of another process are clients: what they
 * submit, and what the manager tells of it.
 *
 * A client is a process whose tasks submit: a worker's rank (client 0 of this
 * worker), or one of the children of its process slots (1 and up), whose
 * records the rank passes on as they are.  Each record begins with its client.
 * A future has the same number (hay_task_id) on both sides; a client is granted
 * numbers in blocks.  All are in order: what is submitted before something else
 * arrives before it.
 *
 *     client                          manager
 *     ASK                      ->
 *                              <-     GRANT
 *     SUBMIT, PUT              ->
 *                              <-     STATE, RANGE (of maps), ENDED
 *     CANCEL, WANT             ->
 *                              <-     ANSWER
 *     RELEASE                  ->     (of what has ended only)
 *     READ                     ->
 *     CLOSED                   ->     (all its futures are released)
 *                              <-     BROKEN (a child has said what cannot be)
 *
 * The manager holds a future until it is released, its end being told then,
 * unless it was submitted as UNWANTED.  A record whose body is above
 * HAYI_NEST_PIECE travels as pieces.
 *
 * Owns: a record that has not come whole.
 * Never: trusts a length; knows what a future is.
 * Threads: any; a struct hayi_nest_whole: one at a time.
 */
#ifndef HAYI_WIRE_NEST_H
#define HAYI_WIRE_NEST_H

#include "wire/record.h"

#define HAYI_NEST_PIECE ((size_t)1 << 20)
/* Failures of a RANGE that are told one by one. */
#define HAYI_NEST_TOLD_MAX 64
/* Of a record in pieces: the items of a map are the longest. */
#define HAYI_NEST_WHOLE_MAX ((uint64_t)1 << 36)

struct hayi_nest_head {
    uint32_t client;
    uint32_t reserved;
};

/* Numbers are wanted. */
struct hayi_nest_ask {
    uint32_t client;
    uint32_t count;
};

/* Tail: the farm's cores by node (uint32_t [node_count]). */
struct hayi_nest_grant {
    uint32_t client;
    uint32_t count;
    uint64_t first; /* numbers first .. first+count-1 */
    /* What the farm has. */
    uint64_t memory_max;
    uint32_t workers, workers_lost;
    uint32_t cores, cores_max, gpus_max;
    uint32_t node_count; /* of the tail */
};

/* Tail: the specification as it lies in memory, numbers of its inputs
 * (uint64_t), what stands behind these in the specification, its request
 * (request.h) with its 0, of a map: struct hayi_nest_map and its items' input.
 */
struct hayi_nest_submit {
    uint32_t client;
    uint32_t flags; /* HAYI_NEST_UNWANTED */
    uint64_t id;
    uint64_t spec_size;
    uint64_t deps_size;
    uint64_t text_size;
    uint64_t request_size; /* 0: it has none */
    uint64_t map_size;
    uint64_t in_size;
};
enum {
    HAYI_NEST_UNWANTED = 1, /* nobody holds it: its end is not told */
};
struct hayi_nest_map {
    uint64_t item_in_size, item_out_size;
    uint64_t first_index;
    uint64_t count;
    uint64_t range_max;
    uint64_t unread_max;
    uint32_t stop_on_failure;
    uint32_t indices; /* it has no input: the items are their indices */
};

/* Tail: the value; its objects are on the node of the worker. */
struct hayi_nest_put {
    uint32_t client;
    uint32_t reserved;
    uint64_t id;
    uint64_t value_size;
};

struct hayi_nest_cancel {
    uint32_t client;
    uint32_t flags; /* HAYI_NEST_FORCE, _NESTED */
    uint64_t id;
    uint64_t cookie; /* comes back in the answer */
};
enum {
    HAYI_NEST_FORCE = 1,
    HAYI_NEST_NESTED = 2,
};

/* Bring objects of a finished one to the worker's node. */
struct hayi_nest_want {
    uint32_t client;
    uint32_t node; /* or HAYI_NEST_HERE */
    uint64_t id;
    uint64_t cookie;
    uint32_t first;
    uint32_t count;
    uint32_t move;
    uint32_t reserved;
};
#define HAYI_NEST_HERE UINT32_MAX

/* Tail: ids (uint64_t). */
struct hayi_nest_release {
    uint32_t client;
    uint32_t count;
};

struct hayi_nest_read {
    uint32_t client;
    uint32_t reserved;
    uint64_t id;
    uint64_t count; /* items of the map that were read so far */
};

struct hayi_nest_state {
    uint32_t client;
    uint32_t state; /* hay_state: READY, RUNNING */
    uint64_t id;
};

/* Tail: the result's head as it lies in memory, its reason, the paths of what
 * it printed (each with its 0, or empty), the value; places of its objects are
 * on the node of the worker. */
struct hayi_nest_ended {
    uint32_t client;
    uint32_t state; /* hay_state */
    uint64_t id;
    uint64_t head_size;
    uint64_t reason_size;
    uint64_t path_size[2];
    uint64_t value_size;
};

/* Tail: words with their 0 (if it failed), places (uint64_t). */
struct hayi_nest_answer {
    uint32_t client;
    int32_t status;
    uint64_t cookie;
    uint64_t words_size;
    uint64_t places_size;
};

/* Items of a map are done.  Tail: failures (struct hayi_range_failure; item: of
 * the map), their words (each with its 0), the items' output. */
struct hayi_nest_range {
    uint32_t client;
    uint32_t failures;
    uint64_t id;
    uint64_t first;
    uint64_t count;
    uint64_t failed;
    uint64_t text_size;
    uint64_t out_bytes;
};

/* A piece of the body of a record.  Tail: its bytes. */
struct hayi_nest_piece {
    uint32_t client;
    uint32_t type;   /* of the record; enum hayi_record_type */
    uint64_t offset; /* in its body */
    uint64_t total;  /* of its body */
    uint64_t size;   /* of this piece */
};

static_assert(sizeof(struct hayi_nest_grant) == 48, "no holes");
static_assert(sizeof(struct hayi_nest_submit) == 64, "no holes");
static_assert(sizeof(struct hayi_nest_map) == 56, "no holes");
static_assert(sizeof(struct hayi_nest_want) == 40, "no holes");
static_assert(sizeof(struct hayi_nest_ended) == 56, "no holes");
static_assert(sizeof(struct hayi_nest_answer) == 32, "no holes");
static_assert(sizeof(struct hayi_nest_range) == 56, "no holes");
static_assert(sizeof(struct hayi_nest_piece) == 32, "no holes");

/* Is it one of these records?  to_manager: which way it goes. */
bool hayi_nest_is(uint16_t type, bool to_manager);
/* The client of a record; false: it is too short. */
bool hayi_nest_client(const void *body, size_t size, uint32_t *client);

/* Are words[size] (NULL: none) 'count' strings, each with its 0? */
bool hayi_nest_strings(const char *words, uint64_t size, uint64_t count);

/* A record in pieces that comes from one client; all 0 at first. */
struct hayi_nest_whole {
    unsigned char *body; /* malloc'ed; NULL: none is under way */
    uint64_t total, size;
    uint64_t kept; /* bytes of body: grows with what has come; when the record
                      is whole less than total if memory was too short: then
                      only its first part, with the record's head */
    bool is_short; /* memory is */
    uint32_t client, type;
};
/* A piece has come.  *done: the record is whole now; take it from whole->body
 * and call hayi_nest_whole_fini().  HAY_EMISMATCH, HAY_ENOMEM with words. */
hay_status hayi_nest_whole_add(struct hayi_nest_whole *whole,
                               const void *body,
                               size_t size,
                               bool *done,
                               struct hayi_error *err);
void hayi_nest_whole_fini(struct hayi_nest_whole *whole);

#endif
