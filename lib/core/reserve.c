/* reserve.c - see reserve.h.
 *
 * Pools first, the worker then: as long as a pool lacks, a worker would stand
 * idle in vain.  All pools of a variant are kept at once or none of them, so
 * that two tasks cannot hold what the other waits for; and who has a worker
 * kept waits for nothing else.  Who loses a pool to a higher one loses all.
 */
#include "config.h"

#include "core/demand.h"

#include <assert.h>

#define NOBODY UINT32_MAX
/* Attempts of a worker that are looked at for when it may be free. */
#define LOOK_MAX 256

static struct hayi_booker booker_of(const struct hayi_sched *s, uint32_t class)
{
    const struct hayi_turn *turn = &s->ready.turns[class];
    return (struct hayi_booker){
        .class = class,
        .rank = s->ready.levels[turn->heap[0]].rank,
    };
}

/* Its place in the list; the count, if there is none. */
static uint32_t find(const struct hayi_sched *s, uint32_t class)
{
    uint32_t i = 0;
    while (i < s->reserve.count && s->reserve.list[i].class != class) {
        i++;
    }
    return i;
}

const struct hayi_keep *hayi_reserve_find(const struct hayi_sched *s,
                                          uint32_t class)
{
    uint32_t i = find(s, class);
    return i < s->reserve.count ? &s->reserve.list[i] : NULL;
}

int64_t hayi_reserve_rank(const struct hayi_sched *s, uint32_t class)
{
    return s->reserve.list[find(s, class)].rank;
}

static void drop(struct hayi_sched *s, struct hayi_keep *keep)
{
    uint32_t class = keep->class;
    uint32_t worker = keep->worker;
    *keep = s->reserve.list[--s->reserve.count];
    hayi_pools_open(&s->pools, class);
    hayi_ready_unblock(&s->ready, &s->blocked);
    if (worker != 0 && s->workers.list[worker - 1].guard == class) {
        s->workers.list[worker - 1].guard = 0;
        hayi_dispatch_room(s, worker - 1);
    }
}

/* Would suspended attempts wait for ever, if they wait for what is held up? */
static bool waited_for(const struct hayi_sched *s, const struct hayi_keep *keep)
{
    const struct hayi_needs *needs = &s->ready.classes.list[keep->class].needs;
    return (needs->request != 0 && s->nest.holders > 0)
           || (keep->worker != 0
               && s->workers.list[keep->worker - 1].waiting > 0);
}

void hayi_reserve_review(struct hayi_sched *s)
{
    for (uint32_t i = s->reserve.count; i > 0; i--) {
        struct hayi_keep *keep = &s->reserve.list[i - 1];
        uint32_t first = hayi_ready_first(&s->ready, keep->class);
        if (first == 0 || hayi_sched_row(s, first)->age != keep->age
            || hayi_pools_kept(&s->pools, keep->class) != keep->pools
            || waited_for(s, keep)) {
            drop(s, keep);
        } else if (keep->worker != 0) {
            struct hayi_worker *worker = &s->workers.list[keep->worker - 1];
            bool lost = worker->state != HAYI_WORKER_JOINED;
            if (lost && worker->guard == keep->class) {
                worker->guard = 0;
            }
            if (lost || worker->guard != keep->class) {
                keep->worker = 0; /* ... for a higher one now */
            }
        }
    }
}

void hayi_reserve_clear(struct hayi_sched *s)
{
    while (s->reserve.count > 0) {
        drop(s, &s->reserve.list[s->reserve.count - 1]);
    }
}

/* ---- when a worker may be free ----------------------------------------- */

/* What a worker lacks for needs, or one variant of them. */
struct lack {
    int64_t cores;
    int64_t gpus;
    int64_t memory;
    uint32_t amount_count;
    struct hayi_amount amounts[HAYI_VARIANT_AMOUNTS]; /* of the worker's own */
};

static int64_t beyond(uint64_t wanted, uint64_t all, uint64_t held)
{
    return (int64_t)wanted - ((int64_t)all - (int64_t)held);
}

static struct lack lack_of(const struct hayi_sched *s,
                           uint32_t w,
                           const struct hayi_needs *needs,
                           const struct hayi_variant *variant)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    struct lack lack = {.amount_count = 0};
    uint32_t cores = needs->cores;
    uint64_t memory = needs->memory_bytes;
    uint32_t gpu_units = needs->gpus * HAYI_AMOUNT_ONE;
    if (variant != NULL) {
        cores = hayi_demand_cores(variant, worker);
        memory = variant->memory_bytes;
        gpu_units = variant->gpu_units;
    }
    lack.cores = beyond(cores, worker->cores, worker->held_cores);
    if (worker->memory_bytes != 0) {
        lack.memory = beyond(memory, worker->memory_bytes, worker->held_memory);
    }
    if (!hayi_gpus_fit(&s->gpus, w, gpu_units)) {
        uint32_t gpus = (gpu_units + HAYI_AMOUNT_ONE - 1) / HAYI_AMOUNT_ONE;
        lack.gpus = beyond(gpus, worker->gpus, worker->held_gpus);
        lack.gpus = lack.gpus > 0 ? lack.gpus : 1;
    }
    for (uint32_t i = 0; variant != NULL && i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        uint64_t unused = hayi_pools_free(&s->pools, w, amount->resource);
        if ((s->pools.farm >> amount->resource & 1) == 0
            && unused < amount->units) {
            lack.amounts[lack.amount_count].resource = amount->resource;
            lack.amounts[lack.amount_count].units = amount->units - unused;
            lack.amount_count++;
        }
    }
    return lack;
}

static bool lacks(const struct lack *lack)
{
    bool any = lack->cores > 0 || lack->gpus > 0 || lack->memory > 0;
    for (uint32_t i = 0; i < lack->amount_count; i++) {
        any = any || lack->amounts[i].units > 0;
    }
    return any;
}

/* The attempt gives back what it has. */
static void
give_back(const struct hayi_sched *s, uint32_t index, struct lack *lack)
{
    const struct hayi_needs *booked = hayi_demand_booked(s, index);
    lack->cores -= booked->cores;
    lack->gpus -= booked->gpus;
    lack->memory -= (int64_t)booked->memory_bytes;
    if (booked->request == 0 || lack->amount_count == 0) {
        return;
    }
    const struct hayi_lease *lease = hayi_lease_of(&s->leases, index);
    const struct hayi_variant *variant =
        &hayi_demand_request(s, booked)->variants[lease->variant];
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        for (uint32_t j = 0; j < lack->amount_count; j++) {
            uint64_t units = variant->amounts[i].units;
            uint64_t *left = &lack->amounts[j].units;
            if (lack->amounts[j].resource == variant->amounts[i].resource) {
                *left = units < *left ? *left - units : 0;
            }
        }
    }
}

/* How long an attempt may last yet: as long again as it is late. */
static uint64_t rest_ns(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t cores = hayi_demand_booked(s, index)->cores;
    uint64_t all_ns =
        (uint64_t)row->cost * HAYI_WORKERS_COST_NS / (cores > 0 ? cores : 1);
    uint64_t gone_ns =
        row->state == HAYI_ROW_RUNNING ? s->now_ns - row->since_ns : 0;
    return gone_ns < all_ns ? all_ns - gone_ns : gone_ns - all_ns;
}

/* When the worker may be able to start it; the oldest attempts end first. */
static uint64_t free_in_ns(const struct hayi_sched *s,
                           uint32_t w,
                           const struct hayi_needs *needs,
                           const struct hayi_variant *variant)
{
    struct lack lack = lack_of(s, w, needs, variant);
    uint64_t ns = 0;
    uint32_t index = s->workers.list[w].head;
    for (uint32_t i = 0; i < LOOK_MAX && index != 0 && lacks(&lack); i++) {
        uint64_t rest = rest_ns(s, index);
        ns = rest > ns ? rest : ns;
        give_back(s, index, &lack);
        index = hayi_sched_row(s, index)->next;
    }
    return lacks(&lack) ? ns + 1 + s->workers.list[w].load : ns;
}

/* The worker that may be free first for it, and is not kept for others. */
static uint32_t first_free(const struct hayi_sched *s,
                           const struct hayi_needs *needs,
                           const struct hayi_variant *variant,
                           struct hayi_booker booker,
                           uint64_t *best_ns)
{
    uint32_t best = NOBODY;
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        uint32_t w = s->workers.heap[i].worker;
        bool meets = variant == NULL
                         ? hayi_worker_meets(&s->workers.list[w], w, needs)
                         : hayi_demand_variant_meets(s, w, needs, variant);
        if (!meets || s->workers.list[w].alone != HAYI_ALONE_NO
            || s->workers.list[w].waiting > 0
            || hayi_demand_kept(s, &s->workers.list[w], booker)) {
            continue;
        }
        uint64_t ns = free_in_ns(s, w, needs, variant);
        if (ns < *best_ns) {
            *best_ns = ns;
            best = w;
        }
    }
    return best;
}

/* ---- keeping ----------------------------------------------------------- */

/* The variant and the worker that suit it; NOBODY: a pool lacks for all. */
static uint32_t choose(const struct hayi_sched *s,
                       const struct hayi_needs *needs,
                       struct hayi_booker booker,
                       const struct hayi_variant **variant)
{
    uint64_t best_ns = UINT64_MAX;
    uint32_t best = NOBODY;
    if (needs->request == 0) {
        return first_free(s, needs, NULL, booker, &best_ns);
    }
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        const struct hayi_variant *each = &request->variants[v];
        if (!hayi_pools_farm_fit(&s->pools, each, booker)) {
            continue;
        }
        uint32_t w = first_free(s, needs, each, booker, &best_ns);
        if (w != NOBODY) {
            best = w;
            *variant = each;
        }
    }
    return best;
}

/* Keep the pools of the first variant that some worker could run. */
static bool keep_pools(struct hayi_sched *s,
                       const struct hayi_needs *needs,
                       struct hayi_booker booker)
{
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        const struct hayi_variant *variant = &request->variants[v];
        for (uint32_t i = 0; i < s->workers.heap_count; i++) {
            uint32_t w = s->workers.heap[i].worker;
            if (hayi_demand_variant_meets(s, w, needs, variant)) {
                return hayi_pools_keep(&s->pools, variant, booker);
            }
        }
    }
    return false;
}

static void
keep_for(struct hayi_sched *s, uint32_t class, const struct hayi_row *row)
{
    const struct hayi_needs *needs = &s->ready.classes.list[class].needs;
    struct hayi_booker booker = booker_of(s, class);
    const struct hayi_variant *variant = NULL;
    uint32_t at = find(s, class);
    if (at == HAYI_KEEP_MAX || (needs->request != 0 && s->nest.holders > 0)) {
        return; /* later */
    }
    uint32_t w = choose(s, needs, booker, &variant);
    if (w != NOBODY) {
        hayi_pools_open(&s->pools, class); /* perhaps of another variant */
        if (variant != NULL && !hayi_pools_keep(&s->pools, variant, booker)) {
            return;
        }
        s->workers.list[w].guard = class;
    } else if (at < s->reserve.count || needs->request == 0
               || !keep_pools(s, needs, booker)) {
        return;
    }
    s->reserve.count += at == s->reserve.count ? 1 : 0;
    s->reserve.list[at] = (struct hayi_keep){
        .age = row->age,
        .rank = booker.rank,
        .pools = hayi_pools_kept(&s->pools, class),
        .class = class,
        .worker = w == NOBODY ? 0 : w + 1,
    };
}

void hayi_reserve_for(struct hayi_sched *s, uint32_t class)
{
    struct hayi_turn *turn = &s->ready.turns[class];
    const struct hayi_row *row =
        hayi_sched_row(s, hayi_ready_first(&s->ready, class));
    if (turn->stuck_age != row->age) {
        turn->stuck_age = row->age;
        turn->stuck_hands = s->hands;
        turn->stuck_ns = s->now_ns;
        return;
    }
    /* The row of a map stays ready while it makes progress. */
    uint64_t since_ns =
        (row->flags & HAYI_ROW_MAP) != 0 ? turn->stuck_ns : row->since_ns;
    const struct hayi_keep *keep = hayi_reserve_find(s, class);
    if (turn->stuck_hands != s->hands
        && s->now_ns - since_ns >= s->config.reserve_ns
        && (keep == NULL || keep->worker == 0)) {
        keep_for(s, class, row);
    }
}

void hayi_reserve_check(const struct hayi_sched *s)
{
    uint32_t guards = 0;
    assert(s->reserve.count <= HAYI_KEEP_MAX);
    for (uint32_t i = 0; i < s->reserve.count; i++) {
        assert(find(s, s->reserve.list[i].class) == i);
    }
    for (uint32_t w = 0; w < s->workers.max; w++) {
        uint32_t class = s->workers.list[w].guard;
        const struct hayi_keep *keep = hayi_reserve_find(s, class);
        assert(class == 0 || (keep != NULL && keep->worker == w + 1));
        guards += class != 0 ? 1 : 0;
    }
    for (uint32_t r = 0; r < HAYI_RESOURCE_MAX; r++) {
        uint32_t class = s->pools.farm_list[r].guard;
        assert(class == 0 || hayi_reserve_find(s, class) != NULL);
    }
    assert(guards <= s->reserve.count);
}
