/* spawner_wire.h - what a rank and its spawner say to each other.
 *
 * The socket carries a stream of records, cut into packets wherever a packet is
 * full, so that a record may be longer than a packet and a packet may hold
 * many records.  A record is a head, a fixed part, and for requests a tail:
 * cpus, then strings, each with its NUL.  Both sides run on one host and, by
 * HAYI_SPAWN_PROTOCOL, are of one version: structs travel as they are.
 *
 * Grammar: rank: SETUP (START | REVOKE | CANCEL | FORK | URGE
 *     | WORK_END)*;
 *     spawner: READY EVENT*.
 *     The end of either side is the end of the connection.
 *
 * Owns: nothing.
 * Never: leaves spawner.c and spawner_child.c.
 * Threads: any; no state.
 */
#ifndef HAYI_WORKER_SPAWNER_WIRE_H
#define HAYI_WORKER_SPAWNER_WIRE_H

#include "worker/spawner.h"

#include <assert.h>

enum {
    HAYI_SPAWN_PROTOCOL = 1,
    HAYI_SPAWN_PACKET_MAX = 32 * 1024,
    HAYI_SPAWN_STRINGS_MAX = 1024 * 1024,     /* of one request */
    HAYI_SPAWN_RECORD_MAX = 16 * 1024 * 1024, /* the environment is longest */
    HAYI_SPAWN_SLOTS_MAX = 65536
};

enum hayi_spawn_record_kind {
    HAYI_SPAWN_RECORD_SETUP = 1,
    HAYI_SPAWN_RECORD_START,
    HAYI_SPAWN_RECORD_REVOKE,
    HAYI_SPAWN_RECORD_CANCEL,
    HAYI_SPAWN_RECORD_READY, /* the answer to SETUP */
    HAYI_SPAWN_RECORD_EVENT,
    HAYI_SPAWN_RECORD_FORK, /* rank: a child that runs functions */
    HAYI_SPAWN_RECORD_URGE, /* rank: end one */
    HAYI_SPAWN_RECORD_WORK_END,
};

struct hayi_spawn_head {
    uint32_t size; /* of the whole record; a multiple of 8 */
    uint32_t kind;
};

enum {
    HAYI_SPAWN_HAS_FOLDER = 1,
    HAYI_SPAWN_HAS_PREFIX = 2,
    HAYI_SPAWN_HAS_CWD = 4,
    HAYI_SPAWN_HAS_STDIN = 8,
    HAYI_SPAWN_HAS_NAME = 16
};

/* Strings: those of 'has' in the order of the bits, then the environment. */
struct hayi_spawn_setup_record {
    struct hayi_spawn_head head;
    uint64_t grace_ns;
    uint32_t capture;
    uint32_t umask_bits;
    uint32_t slots;
    uint32_t has;
    uint32_t env_count;
    uint32_t reserved;
};

/* int32_t cpus[cpu_count]; strings: those of 'has' in the order of the bits,
 * then the line or argv[argc], then the environment. */
struct hayi_spawn_start_record {
    struct hayi_spawn_head head;
    uint64_t id;
    uint64_t time_limit_ns;
    uint64_t grace_ns;
    uint64_t memory_limit_bytes;
    uint64_t output_limit_bytes;
    uint64_t warn_ns;
    uint32_t slot;
    uint32_t argc; /* 0: a line */
    uint32_t env_count;
    uint32_t cpu_count;
    uint32_t has;
    uint32_t reserved;
};

struct hayi_spawn_id_record { /* REVOKE, CANCEL, WORK_END */
    struct hayi_spawn_head head;
    uint64_t id; /* WORK_END: the time */
};

struct hayi_spawn_fork_record {
    struct hayi_spawn_head head;
    uint64_t id;
    uint64_t area_inode;
    int32_t area_fd; /* of the rank's */
    uint32_t reserved;
};

struct hayi_spawn_urge_record {
    struct hayi_spawn_head head;
    uint64_t id;
    uint64_t kill; /* 1: SIGKILL, else SIGTERM */
};

struct hayi_spawn_ready_record {
    struct hayi_spawn_head head;
    int32_t start_errno; /* 0: ready */
    uint32_t step;       /* enum hayi_spawn_step */
};

struct hayi_spawn_event_record {
    struct hayi_spawn_head head;
    struct hayi_spawn_event event;
};

static_assert(sizeof(struct hayi_spawn_setup_record) % 8 == 0, "aligned");
static_assert(sizeof(struct hayi_spawn_start_record) % 8 == 0, "aligned");
static_assert(sizeof(struct hayi_spawn_event_record) % 8 == 0, "aligned");

#endif
