/* wealth.c - see wealth.h. */
#include "config.h"

#include "sim/wealth.h"

#include <stdlib.h>
#include <string.h>

struct hayi_sim_grant {
    hayi_handle task;
    uint32_t attempt;
    uint32_t gpu_units;
    uint64_t gpu_mask;
    uint64_t memory_bytes;
    const struct hayi_variant *variant; /* NULL: no amounts */
};

hay_status hayi_wealth_init(struct hayi_wealth *wealth, uint32_t worker_max)
{
    *wealth = (struct hayi_wealth){.worker_max = worker_max};
    wealth->workers = calloc(worker_max, sizeof wealth->workers[0]);
    return wealth->workers != NULL ? HAY_OK : HAY_ENOMEM;
}

void hayi_wealth_fini(struct hayi_wealth *wealth)
{
    for (uint32_t w = 0; wealth->workers != NULL && w < wealth->worker_max;
         w++) {
        free(wealth->workers[w].grants);
    }
    free(wealth->workers);
    free(wealth->requests);
    *wealth = (struct hayi_wealth){.workers = NULL};
}

hay_status hayi_wealth_request(struct hayi_wealth *wealth,
                               const struct hayi_variant *variants,
                               uint32_t count,
                               uint32_t *index)
{
    if (wealth->request_count == wealth->request_room) {
        uint32_t room = wealth->request_room * 2 + 8;
        struct hayi_sim_request *requests =
            realloc(wealth->requests, room * sizeof requests[0]);
        if (requests == NULL) {
            return HAY_ENOMEM;
        }
        wealth->requests = requests;
        wealth->request_room = room;
    }
    struct hayi_sim_request *request =
        &wealth->requests[wealth->request_count++];
    *request = (struct hayi_sim_request){.count = count};
    memcpy(request->variants, variants, count * sizeof variants[0]);
    *index = wealth->request_count;
    return HAY_OK;
}

/* ---- one attempt's share ---- */

static const char *take_gpus(struct hayi_sim_account *account,
                             const struct hayi_sim_grant *grant)
{
    uint32_t count = 0;
    bool share = grant->gpu_units < HAYI_AMOUNT_ONE;
    for (uint32_t g = 0; g < HAYI_GPU_MAX; g++) {
        if ((grant->gpu_mask >> g & 1) == 0) {
            continue;
        }
        count++;
        account->dealt[g] += share ? grant->gpu_units : HAYI_AMOUNT_ONE;
        if (g >= account->has.gpus) {
            return "a gpu is dealt that is not there";
        }
        if (account->dealt[g] > HAYI_AMOUNT_ONE) {
            return "a gpu is dealt twice";
        }
    }
    uint32_t wanted =
        (grant->gpu_units + HAYI_AMOUNT_ONE - 1) / HAYI_AMOUNT_ONE;
    return count == wanted ? NULL : "more or fewer gpus than were asked for";
}

static const char *take_amounts(struct hayi_wealth *wealth,
                                struct hayi_sim_account *account,
                                const struct hayi_variant *variant)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        uint32_t r = variant->amounts[i].resource;
        if (r < wealth->pools) {
            wealth->out[r] += variant->amounts[i].units;
            if (wealth->out[r] > wealth->units[r]) {
                return "a pool of the farm is over-booked";
            }
        } else {
            account->out.units[r] += variant->amounts[i].units;
            if (account->out.units[r] > account->has.units[r]) {
                return "a resource of a worker is over-booked";
            }
        }
    }
    return NULL;
}

static const char *take(struct hayi_wealth *wealth,
                        struct hayi_sim_account *account,
                        const struct hayi_sim_grant *grant)
{
    account->out.memory_bytes += grant->memory_bytes;
    if (account->has.memory_bytes != 0
        && account->out.memory_bytes > account->has.memory_bytes) {
        return "the memory of a worker is over-booked";
    }
    const char *rule = take_gpus(account, grant);
    if (rule == NULL && grant->variant != NULL) {
        rule = take_amounts(wealth, account, grant->variant);
    }
    return rule;
}

static void give_back(struct hayi_wealth *wealth,
                      struct hayi_sim_account *account,
                      const struct hayi_sim_grant *grant)
{
    bool share = grant->gpu_units < HAYI_AMOUNT_ONE;
    account->out.memory_bytes -= grant->memory_bytes;
    for (uint32_t g = 0; g < HAYI_GPU_MAX; g++) {
        if ((grant->gpu_mask >> g & 1) != 0) {
            account->dealt[g] -= share ? grant->gpu_units : HAYI_AMOUNT_ONE;
        }
    }
    for (uint32_t i = 0;
         grant->variant != NULL && i < grant->variant->amount_count;
         i++) {
        uint32_t r = grant->variant->amounts[i].resource;
        uint64_t *out =
            r < wealth->pools ? &wealth->out[r] : &account->out.units[r];
        *out -= grant->variant->amounts[i].units;
    }
}

/* ---- hand-outs and what comes back ---- */

/* What the action gives, as it must be; NULL, or the rule that is broken. */
static const char *grant_of(const struct hayi_wealth *wealth,
                            uint32_t number,
                            uint32_t grown,
                            const struct hayi_action *action,
                            struct hayi_sim_grant *grant)
{
    const struct hayi_sim_account *account =
        &wealth->workers[action->u.hand_out.worker];
    const struct hayi_needs *needs = &action->u.hand_out.needs;
    *grant = (struct hayi_sim_grant){
        .task = action->u.hand_out.task,
        .attempt = action->u.hand_out.attempt,
        .gpu_units = needs->gpus * HAYI_AMOUNT_ONE,
        .gpu_mask = action->u.hand_out.gpu_mask,
        .memory_bytes = needs->memory_bytes,
    };
    if (number == 0) {
        return needs->request == 0 ? NULL : "a request that nobody made";
    }
    const struct hayi_sim_request *request = &wealth->requests[number - 1];
    if ((grown == 0 && needs->request != request->number)
        || action->u.hand_out.variant >= request->count) {
        return "another request than that of the task";
    }
    const struct hayi_variant *v =
        &request->variants[action->u.hand_out.variant];
    uint32_t cores = v->cores == HAYI_CORES_ALL ? account->has.cores : v->cores;
    if (needs->cores != cores
        || needs->memory_bytes != v->memory_bytes << grown) {
        return "other cores or memory than those of the variant";
    }
    grant->gpu_units = v->gpu_units;
    grant->variant = v;
    return NULL;
}

const char *hayi_wealth_hand_out(struct hayi_wealth *wealth,
                                 uint32_t request,
                                 uint32_t grown,
                                 const struct hayi_action *action)
{
    struct hayi_sim_account *account =
        &wealth->workers[action->u.hand_out.worker];
    struct hayi_sim_grant grant;
    const char *rule = grant_of(wealth, request, grown, action, &grant);
    if (rule != NULL
        || (grant.gpu_units == 0 && grant.memory_bytes == 0
            && grant.variant == NULL)) {
        return rule;
    }
    if (account->grant_count == account->grant_room) {
        uint32_t room = account->grant_room * 2 + 8;
        struct hayi_sim_grant *grants =
            realloc(account->grants, room * sizeof grants[0]);
        if (grants == NULL) {
            return "the simulator has no memory";
        }
        account->grants = grants;
        account->grant_room = room;
    }
    account->grants[account->grant_count++] = grant;
    wealth->granted++;
    return take(wealth, account, &grant);
}

void hayi_wealth_back(struct hayi_wealth *wealth,
                      uint32_t worker,
                      hayi_handle task,
                      uint32_t attempt)
{
    struct hayi_sim_account *account = &wealth->workers[worker];
    for (uint32_t i = 0; i < account->grant_count; i++) {
        struct hayi_sim_grant *grant = &account->grants[i];
        if (grant->task == task && grant->attempt == attempt) {
            give_back(wealth, account, grant);
            *grant = account->grants[--account->grant_count];
            return;
        }
    }
}

void hayi_wealth_lost(struct hayi_wealth *wealth, uint32_t worker)
{
    struct hayi_sim_account *account = &wealth->workers[worker];
    while (account->grant_count > 0) {
        give_back(wealth, account, &account->grants[--account->grant_count]);
    }
}
