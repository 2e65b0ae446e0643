/* deadlock.c - suspended attempts that hold what those need for whom they wait.
 *
 * An attempt that is suspended gives back its cores only.  It is stuck if none
 * of the tasks that it waits for can ever go on; a ready task cannot if no
 * worker could meet it though all had ended there but stuck attempts.  So all
 * that wait for tasks are taken for stuck at first, and those that can go on
 * are taken off until nothing changes; what then is left is a deadlock, of
 * which nobody can be in doubt.  The ready tasks that the attempt waits for
 * that was suspended last fail, and all is looked at again: what that attempt
 * holds will be free.
 *
 * Nothing of this is done while no suspended attempt holds more than cores, nor
 * before something has changed, nor more often than every REST_NS.
 */
#include "config.h"

#include "core/demand.h"

#define REST_NS 5000000u

/* ---- what stuck attempts hold ------------------------------------------ */

/* Of the resources that are the farm's. */
struct farm {
    uint64_t units[HAYI_RESOURCE_MAX];
};

/* Of one worker. */
struct taken {
    uint64_t memory_bytes;
    uint64_t units[HAYI_RESOURCE_MAX];
    uint32_t dealt[HAYI_GPU_MAX];
};

static const struct hayi_variant *variant_of(const struct hayi_sched *s,
                                             uint32_t index)
{
    const struct hayi_needs *needs = hayi_demand_booked(s, index);
    return needs->request == 0
               ? NULL
               : hayi_sched_variant(s,
                                    needs->request,
                                    hayi_lease_of(&s->leases, index)->variant);
}

/* The attempt and those within which it runs are stuck, or are so no more. */
static void
mark(struct hayi_sched *s, uint32_t index, bool stuck, struct farm *farm)
{
    struct hayi_worker *worker =
        &s->workers.list[hayi_sched_row(s, index)->worker];
    hayi_kin_at(&s->nest, index)->stuck = stuck;
    worker->stuck += stuck ? 1u : UINT32_MAX;
    for (; index != 0; index = hayi_kin_at(&s->nest, index)->host) {
        const struct hayi_variant *v = variant_of(s, index);
        for (uint32_t a = 0; v != NULL && a < v->amount_count; a++) {
            uint64_t units = v->amounts[a].units;
            farm->units[v->amounts[a].resource] += stuck ? units : 0 - units;
        }
    }
}

/* The attempt, or what runs within it, is stuck. */
static bool stuck(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    while (kin != NULL && kin->guest != 0) {
        kin = hayi_kin_at(&s->nest, kin->guest);
    }
    return kin != NULL && (kin->flags & HAYI_KIN_SUSPENDED) != 0 && kin->stuck;
}

static void
add_taken(const struct hayi_sched *s, uint32_t index, struct taken *taken)
{
    const struct hayi_variant *v = variant_of(s, index);
    taken->memory_bytes += hayi_demand_booked(s, index)->memory_bytes;
    for (uint32_t a = 0; v != NULL && a < v->amount_count; a++) {
        taken->units[v->amounts[a].resource] += v->amounts[a].units;
    }
    if (!hayi_lease_is(&s->leases, index)) {
        return;
    }
    const struct hayi_lease *lease = hayi_lease_of(&s->leases, index);
    for (uint32_t g = 0; g < HAYI_GPU_MAX; g++) {
        if ((lease->gpu_mask >> g & 1) != 0) {
            taken->dealt[g] += lease->gpu_units < HAYI_AMOUNT_ONE
                                   ? lease->gpu_units
                                   : HAYI_AMOUNT_ONE;
        }
    }
}

static struct taken take(const struct hayi_sched *s, uint32_t w)
{
    struct taken taken = {.memory_bytes = 0};
    if (s->workers.list[w].stuck == 0) {
        return taken;
    }
    uint32_t i = s->workers.list[w].head;
    for (; i != 0; i = hayi_sched_row(s, i)->next) {
        if (stuck(s, i)) {
            add_taken(s, i, &taken);
        }
    }
    return taken;
}

static bool gpus_left(const struct hayi_worker *worker,
                      const struct taken *taken,
                      uint32_t units)
{
    uint32_t whole = 0;
    for (uint32_t g = 0; g < worker->gpus; g++) {
        whole += taken->dealt[g] == 0 ? 1 : 0;
        if (units < HAYI_AMOUNT_ONE
            && taken->dealt[g] + units <= HAYI_AMOUNT_ONE) {
            return true;
        }
    }
    return whole >= units / HAYI_AMOUNT_ONE && units % HAYI_AMOUNT_ONE == 0;
}

/* Does what is stuck leave the worker, which meets the variant, what it asks
 * for? */
static bool leaves(const struct hayi_sched *s,
                   uint32_t w,
                   const struct hayi_variant *variant,
                   const struct taken *taken,
                   const struct farm *farm)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    if (worker->memory_bytes != 0
        && variant->memory_bytes > worker->memory_bytes - taken->memory_bytes) {
        return false;
    }
    if (variant->gpu_units != 0
        && !gpus_left(worker, taken, variant->gpu_units)) {
        return false;
    }
    for (uint32_t a = 0; a < variant->amount_count; a++) {
        uint32_t r = variant->amounts[a].resource;
        bool shared = (s->pools.farm >> r & 1) != 0;
        uint64_t held = (shared ? farm->units : taken->units)[r];
        uint64_t total = hayi_pools_total(&s->pools, w, r);
        if (held > total || variant->amounts[a].units > total - held) {
            return false;
        }
    }
    return true;
}

static bool worker_could(const struct hayi_sched *s,
                         uint32_t w,
                         const struct hayi_needs *needs,
                         const struct farm *farm)
{
    if (!hayi_demand_meets(s, w, needs)) {
        return false;
    }
    const struct taken taken = take(s, w);
    if (needs->request == 0) {
        const struct hayi_variant plain = {
            .cores = needs->cores,
            .gpu_units = needs->gpus * HAYI_AMOUNT_ONE,
            .memory_bytes = needs->memory_bytes,
        };
        return leaves(s, w, &plain, &taken, farm);
    }
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        if (hayi_demand_variant_meets(s, w, needs, &request->variants[v])
            && leaves(s, w, &request->variants[v], &taken, farm)) {
            return true;
        }
    }
    return false;
}

/* Could a worker meet the needs if all had ended but what is stuck? */
static bool could(const struct hayi_sched *s,
                  const struct hayi_needs *needs,
                  const struct farm *farm)
{
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        if (worker_could(s, s->workers.heap[i].worker, needs, farm)) {
            return true;
        }
    }
    return false;
}

/* ---- who can go on ----------------------------------------------------- */

static bool queued(const struct hayi_row *row)
{
    return row->state == HAYI_ROW_READY || row->state == HAYI_ROW_ALONE;
}

/* Can the row be handed out some day, where its inputs are? */
static bool here(const struct hayi_sched *s,
                 const struct hayi_row *row,
                 const struct farm *farm)
{
    return (row->flags & HAYI_ROW_MAP) != 0
           || could(s, hayi_sched_needs(s, row), farm);
}

/* Or if its inputs were brought to another node? */
static bool elsewhere(const struct hayi_sched *s,
                      const struct hayi_row *row,
                      const struct farm *farm)
{
    return row->cargo != 0
           && could(s,
                    hayi_place_needs(s, hayi_cargo_at(&s->cargos, row->cargo)),
                    farm);
}

/* Can the task go on?  What waits for inputs cannot, before one of those has
 * gone on.  *move: row that must go to another node for that. */
static bool can(const struct hayi_sched *s,
                uint32_t index,
                const struct farm *farm,
                uint32_t *move)
{
    index = hayi_nested_followed(s, index);
    if (index == 0) {
        return true;
    }
    const struct hayi_row *row = hayi_sched_row(s, index);
    if (queued(row)) {
        if (!here(s, row, farm) && elsewhere(s, row, farm)) {
            *move = index;
        }
        return here(s, row, farm) || *move == index;
    }
    if (row->state == HAYI_ROW_RUNNING) {
        return !stuck(s, index);
    }
    return row->state != HAYI_ROW_PENDING;
}

/* What comes after 'at' among those that the attempt may wait for, 0 at the
 * end; it begins with the attempt itself.  A child that has finished as another
 * task will is only what it has submitted itself. */
static uint32_t
next_child(const struct hayi_sched *s, uint32_t index, uint32_t at)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, at);
    if ((at == index || (kin->flags & HAYI_KIN_FOLLOWS) != 0)
        && kin->first != 0) {
        return kin->first;
    }
    while (at != index && kin->next == 0) {
        at = kin->parent;
        kin = hayi_kin_at(&s->nest, at);
    }
    return at != index ? kin->next : 0;
}

static bool any_child_can(const struct hayi_sched *s,
                          uint32_t index,
                          const struct farm *farm,
                          uint32_t *move)
{
    uint32_t child = next_child(s, index, index);
    bool any = child != 0;
    for (; child != 0; child = next_child(s, index, child)) {
        if (can(s, child, farm, move)) {
            return true;
        }
    }
    return !any; /* what it waits for has ended */
}

/* The one task that the attempt waits for; 0: all its children may matter:
 * there are several, or inputs are among them. */
static uint32_t target_of(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    uint32_t target = (kin->flags & HAYI_KIN_SEVERAL) != 0
                          ? 0
                          : hayi_table_find(&s->table, kin->waits_for);
    target = target != 0 ? hayi_nested_followed(s, target) : 0;
    return target != 0 && hayi_sched_row(s, target)->state != HAYI_ROW_PENDING
               ? target
               : 0;
}

/* Does the suspended attempt wait for a task that has not ended? */
static bool waits(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    uint32_t one = hayi_table_find(&s->table, kin->waits_for);
    return (hayi_sched_row(s, index)->flags & HAYI_ROW_FORCE) == 0
           && ((kin->flags & HAYI_KIN_SEVERAL) != 0
               || (one != 0 && hayi_nested_followed(s, one) != 0));
}

static bool
goes_on(struct hayi_sched *s, uint32_t index, const struct farm *farm)
{
    uint32_t target = target_of(s, index);
    uint32_t move = 0;
    bool on = target != 0 ? can(s, target, farm, &move)
                          : any_child_can(s, index, farm, &move);
    if (move != 0) {
        uint32_t c = hayi_sched_row(s, move)->cargo;
        struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
        cargo->avoid = cargo->node;
        hayi_place_withdraw(s, c);
    }
    return on;
}

/* Find out who is stuck; false: nobody. */
static bool find(struct hayi_sched *s, struct farm *farm)
{
    *farm = (struct farm){.units = {0}};
    for (uint32_t w = 0; w < s->workers.max; w++) {
        s->workers.list[w].stuck = 0;
    }
    uint64_t count = 0;
    uint32_t i = s->nest.wait_first;
    for (; i != 0; i = hayi_kin_at(&s->nest, i)->wait_next) {
        hayi_kin_at(&s->nest, i)->stuck = false;
        if (waits(s, i)) {
            mark(s, i, true, farm);
            count++;
        }
    }
    bool changed = true;
    while (changed && count > 0) {
        changed = false;
        /* The last ones wait for nobody that came before them. */
        for (i = s->nest.wait_last; i != 0;) {
            const struct hayi_kin *kin = hayi_kin_at(&s->nest, i);
            if (kin->stuck && goes_on(s, i, farm)) {
                mark(s, i, false, farm);
                changed = true;
                count--;
            }
            i = kin->wait_prev;
        }
    }
    return count > 0;
}

/* ---- what follows ------------------------------------------------------ */

/* The row waits for what a stuck attempt holds, and fails.  1 action. */
static void
break_one(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EFARM,
        .cause = HAY_CAUSE_DEADLOCK,
        .attempt = row->attempt,
        .worker = row->worker,
    };
    hayi_task_unqueue(s, index);
    hayi_task_end(s, index, &end, actions);
}

static bool
breakable(const struct hayi_sched *s, uint32_t index, const struct farm *farm)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    return queued(row) && !here(s, row, farm) && !elsewhere(s, row, farm);
}

/* End what a stuck attempt waits for; *broken: how many. */
static hay_status break_up(struct hayi_sched *s,
                           uint32_t index,
                           const struct farm *farm,
                           uint32_t *broken,
                           struct hayi_actions *actions)
{
    uint32_t target = target_of(s, index);
    uint32_t child = target != 0 ? target : next_child(s, index, index);
    *broken = 0;
    while (child != 0) {
        uint32_t next = target != 0 ? 0 : next_child(s, index, child);
        if (breakable(s, child, farm)) {
            if (hayi_actions_reserve(actions, 1) != HAY_OK) {
                return HAY_ENOMEM;
            }
            break_one(s, child, actions);
            ++*broken;
        }
        child = next;
    }
    return HAY_OK;
}

hay_status hayi_deadlock_look(struct hayi_sched *s,
                              struct hayi_actions *actions)
{
    if (s->nest.holders == 0 || !s->nest.stirred
        || (s->ready.rows == 0 && s->alone_first == 0)) {
        s->deadlock_at_ns = UINT64_MAX;
        return HAY_OK;
    }
    if (s->deadlock_at_ns == UINT64_MAX) {
        s->deadlock_at_ns = s->now_ns + REST_NS;
    }
    if (s->now_ns < s->deadlock_at_ns) {
        return HAY_OK;
    }
    struct farm farm;
    while (find(s, &farm)) {
        uint32_t broken = 0;
        uint32_t i = s->nest.wait_last;
        while (i != 0 && broken == 0) {
            uint32_t before = hayi_kin_at(&s->nest, i)->wait_prev;
            hay_status status = hayi_kin_at(&s->nest, i)->stuck
                                    ? break_up(s, i, &farm, &broken, actions)
                                    : HAY_OK;
            if (status != HAY_OK) {
                return status;
            }
            i = before;
        }
        hay_status status = hayi_drain(s, actions);
        if (status != HAY_OK) {
            return status;
        }
        if (broken == 0) {
            break;
        }
    }
    s->nest.stirred = false;
    s->deadlock_at_ns = UINT64_MAX;
    return HAY_OK;
}
