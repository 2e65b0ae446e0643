/* cluster.h - a whole farm in one thread, in virtual time: the real core, real
 * worker states and channels, a net and slots that only take time.
 *
 * Owns: the world, the core, the net, the nodes.
 * Never: reads a clock; the same configuration and wishes give the same run.
 * Threads: one at a time.
 *
 * new, { task | wish }, run, free.
 */
#ifndef HAYI_SIM_CLUSTER_H
#define HAYI_SIM_CLUSTER_H

#include "sim/node.h"

struct hayi_sim_config {
    uint64_t seed;
    uint32_t worker_count;
    const struct hayi_sim_node_config *nodes; /* [worker_count]; copied */
    const uint64_t *join_ns; /* [worker_count], when each joins; copied */
    struct hayi_sched_config sched; /* worker_max, workers_expected and seed
                                       are filled in */
    uint32_t node_count;            /* workers live on them in turn; 0: 1 */
    uint32_t full_permille;         /* so often there is no room for a fetch */
    uint64_t memory_limit;          /* of a node's objects; 0: none */
    uint64_t bytes_per_us;          /* of a fetch; 0: 1,000 */
    uint64_t latency_ns;            /* of every frame */
    uint64_t jitter_ns;             /* at most so much besides */
    uint64_t turn_ns; /* at most so long from news to the manager's turn */
    uint64_t beat_ns; /* the manager shows that it lives; 0: it does not */
    bool late_news;   /* what lost workers tell is given to the core, which must
                         drop it; else the manager does not look at it */
    size_t frame_max; /* 0: the net's default */
    uint64_t stuck_ns; /* nothing moves for so long: the run has failed */
    bool check_all;    /* invariants after every event, not only now and then */
    void (*trace)(void *context, uint64_t now_ns, const char *line);
    void *trace_context;
};

enum hayi_sim_wish_kind {
    HAYI_SIM_WISH_SUBMIT = 1, /* task */
    HAYI_SIM_WISH_CANCEL,     /* task, flag: force */
    HAYI_SIM_WISH_CLOSE,      /* flag: cancel what has not begun */
    HAYI_SIM_WISH_PAUSE,      /* worker stands still for_ns */
    HAYI_SIM_WISH_KILL,       /* worker; flag: nobody is told */
    HAYI_SIM_WISH_SLOW_LINK,  /* worker: frames take for_ns besides */
    HAYI_SIM_WISH_CUT,        /* worker: nothing passes for_ns, both ways;
                                 nested: only what is for it does */
    HAYI_SIM_WISH_SPOIL,      /* worker: a frame is lost, or (flag) comes twice;
                                 nested: from it, else to it */
    HAYI_SIM_WISH_HOLD_UP,    /* the manager stands still for_ns */
    HAYI_SIM_WISH_PUT,   /* task; worker, on whose node, or flag: at home */
    HAYI_SIM_WISH_LEAVE, /* worker leaves in order, if it is there */
    HAYI_SIM_WISH_WANT,  /* task; worker, on whose node it shall be, or
                            UINT32_MAX: at home; flag: and only there */
};

struct hayi_sim_wish {
    enum hayi_sim_wish_kind kind;
    uint32_t task;
    uint32_t worker;
    bool flag;
    bool nested; /* CANCEL: with all that it submits */
    uint64_t for_ns;
};

struct hayi_sim;

/* NULL when memory is short. */
struct hayi_sim *hayi_sim_new(const struct hayi_sim_config *config);
void hayi_sim_free(struct hayi_sim *sim);

/* What workers and farm own, cores and memory besides: to be filled before the
 * first task.  The sim's. */
struct hayi_wealth *hayi_sim_wealth(struct hayi_sim *sim);
/* Note a task, which a wish submits later; *index: its number.  HAY_ENOMEM. */
hay_status hayi_sim_task(struct hayi_sim *sim,
                         const struct hayi_sim_spec *spec,
                         uint32_t *index);
/* Something happens at 'at_ns'.  The last submit must come before the CLOSE.
 * HAY_ENOMEM. */
hay_status hayi_sim_wish(struct hayi_sim *sim,
                         uint64_t at_ns,
                         const struct hayi_sim_wish *wish);

struct hayi_sim_result {
    uint64_t end_ns; /* virtual */
    uint64_t events; /* that the core took */
    uint32_t finished, failed, cancelled;
    uint64_t stale;                          /* news that the core dropped */
    uint64_t fetched, dropped, full, broken; /* objects, fetches */
    uint64_t pressed; /* times that a node's memory was nearly full */
    uint32_t remakes;
    uint32_t losses; /* workers, those that were let go too */
    uint32_t let_go;
    uint32_t doubles; /* tasks that had two attempts at once */
    uint32_t beaten;  /* attempts that ended after their task */
    uint64_t pauses;
    uint64_t ghosts; /* attempts that ended on workers that were fenced */
    uint64_t late;   /* frames of lost workers */
    struct hayi_sim_counts counts;
};

/* Run until all have ended.  HAY_OK; HAY_EFARM: a rule was broken, 'err'
 * tells which.  result: filled in both cases. */
hay_status hayi_sim_run(struct hayi_sim *sim,
                        struct hayi_sim_result *result,
                        struct hayi_error *err);

#endif
