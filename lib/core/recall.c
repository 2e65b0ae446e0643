/* recall.c - asks workers for what they hold and have not started.
 *
 * Two causes.  A worker is idle, nothing ready fits it, and another one holds
 * work ahead: half of what the one with the most of it holds comes back, and
 * is handed out again, evenly.  Or a ready task of higher rank (priority,
 * or as high and deeper) finds no room: lower ones come back.
 *
 * A recall is worth its two messages only if the work would take longer than
 * they do; a worker that has not moved for a while counts as having more work
 * than it seems.  Each worker has at most one recall out, and one that brought
 * nothing is not repeated until something changes there.
 *
 * Nothing may go to and fro.  If what came back for an idle worker has to wait
 * where it was, the next recall asks for twice as many, until all have been
 * asked for; then no more until something ends there; but what runs
 * there may never end, so that they are asked for once more after a pause, the
 * next time after twice that pause.  And a worker where a task of higher rank
 * found no room holds nothing lower ahead meanwhile.
 */
#include "config.h"

#include "core/demand.h"

#include <assert.h>

#define WORTH_NS     200000u  /* less work ahead than this stays where it is */
#define STUCK_NS     1000000u /* nothing moved for so long */
#define REST_NS      100000u  /* pause after a look that found nothing */
#define LOOK_MAX     16       /* held rows looked at, the last ones first */
#define BOUNCED_NS   UINT64_C(10000000) /* the first pause */
#define PATIENCE_MAX 30
#define BACK_MAX     8 /* workers looked at for a priority; recalls at once */

/* Does the worker hold an unstarted row that could start at 'other' at once,
 * or, without 'other', one whose rank is lower than 'below'? */
static bool holds(const struct hayi_sched *s,
                  const struct hayi_worker *worker,
                  const struct hayi_worker *other,
                  uint32_t other_index,
                  int64_t below)
{
    uint32_t index = worker->tail;
    for (uint32_t i = 0; i < LOOK_MAX && index != 0; i++) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        const struct hayi_level *level = &s->ready.levels[row->level];
        bool free_to_go =
            row->state == HAYI_ROW_HELD && hayi_nested_cores(s, index) != 0
            && (row->flags & (HAYI_ROW_CANCEL | HAYI_ROW_CLOSE)) == 0;
        if (other == NULL) {
            free_to_go = free_to_go && level->rank < below;
        } else {
            uint32_t variant = 0;
            free_to_go =
                free_to_go
                && hayi_demand_starts(s,
                                      other_index,
                                      hayi_sched_needs(s, row),
                                      hayi_demand_booker(s, row->level),
                                      &variant);
        }
        if (free_to_go) {
            return true;
        }
        index = row->prev;
    }
    return false;
}

static bool worthwhile(const struct hayi_sched *s,
                       const struct hayi_worker *worker)
{
    return hayi_worker_unstarted_ns(worker) >= WORTH_NS
           || s->now_ns - worker->moved_ns >= STUCK_NS;
}

static void ask(struct hayi_sched *s,
                uint32_t index,
                uint32_t count,
                int32_t below,
                uint16_t below_depth,
                struct hayi_actions *actions)
{
    struct hayi_worker *worker = &s->workers.list[index];
    if (count / 2 < worker->bounced) {
        uint32_t unstarted = hayi_worker_unstarted(worker);
        count =
            worker->bounced < unstarted / 2 ? 2 * worker->bounced : unstarted;
        if (worker->bounced >= unstarted && worker->patience < PATIENCE_MAX) {
            worker->patience++;
        }
    }
    worker->asked = count;
    worker->recalled = count;
    worker->recall_gave = false;
    s->recalled += count;
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_RECALL);
    a->u.recall.worker = index;
    a->u.recall.count = count;
    a->u.recall.below = below;
    a->u.recall.below_depth = below_depth;
}

static uint32_t half(uint32_t count)
{
    return count / 2 > 0 ? count / 2 : 1;
}

/* Until when what the worker holds need not be asked for once more. */
static uint64_t bounced_until(const struct hayi_worker *worker)
{
    return worker->bounced < hayi_worker_unstarted(worker)
               ? 0
               : worker->moved_ns + (BOUNCED_NS << worker->patience);
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The worker with the most work to give to 'other'; NULL if none.  *later:
 * when to look again at some that hold too little work by now. */
static struct hayi_worker *
giver(const struct hayi_sched *s, uint32_t other_index, uint64_t *later)
{
    const struct hayi_worker *other = &s->workers.list[other_index];
    struct hayi_worker *best = NULL;
    uint64_t most = 0;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        struct hayi_worker *worker = &s->workers.list[w];
        if (worker->state != HAYI_WORKER_JOINED || worker->recalled != 0
            || worker->recall_vain || hayi_worker_unstarted(worker) == 0) {
            continue;
        }
        if (s->now_ns < bounced_until(worker)) {
            *later = lesser(*later, bounced_until(worker));
            continue;
        }
        uint64_t work = hayi_worker_unstarted_ns(worker) + 1;
        if (work <= most) {
            continue;
        }
        if (!worthwhile(s, worker)) {
            *later = lesser(*later, s->now_ns + STUCK_NS);
        } else if (holds(s, worker, other, other_index, INT64_MAX)) {
            best = worker;
            most = work;
        }
    }
    return best;
}

hay_status hayi_recall(struct hayi_sched *s, struct hayi_actions *actions)
{
    s->recall_at_ns = UINT64_MAX;
    if (s->workers.ahead == 0 || s->workers.idle_cores <= s->recalled) {
        return HAY_OK;
    }
    if (s->now_ns < s->recall_rest_ns) {
        s->recall_at_ns = s->recall_rest_ns;
        return HAY_OK;
    }
    uint64_t later = UINT64_MAX;
    for (int i = 0; i < BACK_MAX; i++) {
        if (s->workers.idle_cores <= s->recalled) {
            return HAY_OK;
        }
        uint32_t other = s->workers.heap[0].worker; /* the most idle one */
        struct hayi_worker *worker = giver(s, other, &later);
        if (worker == NULL) {
            break;
        }
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        ask(s,
            (uint32_t)(worker - s->workers.list),
            half(hayi_worker_unstarted(worker)),
            INT32_MAX,
            0,
            actions);
    }
    s->recall_rest_ns = s->now_ns + REST_NS;
    s->recall_at_ns = later;
    return HAY_OK;
}

hay_status hayi_recall_for(struct hayi_sched *s,
                           uint32_t class,
                           struct hayi_actions *actions)
{
    uint32_t first = hayi_ready_first(&s->ready, class);
    const struct hayi_row *row = hayi_sched_row(s, first);
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    const struct hayi_level *level = &s->ready.levels[row->level];
    if (level->rank <= s->low_rank
        || (needs->request != 0
            && !hayi_demand_pools_fit(
                s, needs, hayi_demand_booker(s, row->level)))) {
        return HAY_OK;
    }
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t last = s->workers.heap_count;
    uint32_t next = 0;
    if (needs->node != 0) {
        next = s->nodes.list[needs->node - 1].workers;
        last = s->nodes.list[needs->node - 1].worker_count;
    }
    for (uint32_t i = 0; i < last && i < BACK_MAX; i++) {
        uint32_t w = s->workers.heap[i].worker;
        if (needs->node != 0) {
            w = next - 1;
            next = s->nodes.follow[w];
        }
        if (needs->worker != 0) {
            w = needs->worker - 1;
            last = 1;
        }
        struct hayi_worker *worker = &s->workers.list[w];
        if (!hayi_demand_meets(s, w, needs)) {
            continue;
        }
        if (worker->wanted < level->rank) {
            worker->wanted = level->rank;
        }
        uint32_t unstarted = hayi_worker_unstarted(worker);
        if (unstarted == 0 || worker->recalled != 0 || worker->recall_vain
            || !holds(s, worker, NULL, 0, level->rank)) {
            continue;
        }
        uint32_t count = level->count < unstarted ? level->count : unstarted;
        ask(s, w, count, level->priority, level->depth, actions);
        break;
    }
    return HAY_OK;
}

void hayi_recall_returned(struct hayi_sched *s, uint32_t worker)
{
    s->workers.list[worker].recall_gave = true;
}

void hayi_recall_done(struct hayi_sched *s, uint32_t index)
{
    hayi_members_heard(s, index);
    if (index >= s->workers.max || s->workers.list[index].recalled == 0) {
        return;
    }
    struct hayi_worker *worker = &s->workers.list[index];
    worker->recall_vain = !worker->recall_gave;
    s->recalled -= worker->recalled;
    worker->recalled = 0;
    s->recall_rest_ns = 0;
    /* A class that waited for this may ask elsewhere. */
    hayi_dispatch_room(s, index);
}
