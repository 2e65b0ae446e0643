/* chaos_wealth.c - see chaos_wealth.h. */
#include "config.h"

#include "sim/chaos_wealth.h"

#define REQUESTS_MAX 12u

/* An amount with a fraction as often as not. */
static uint64_t units_up_to(struct hayi_dice *d, uint64_t most)
{
    uint64_t units = hayi_dice_between(d, 1, most);
    if (hayi_dice_chance(d, 500) && most >= HAYI_AMOUNT_ONE) {
        units =
            hayi_dice_between(d, 1, most / HAYI_AMOUNT_ONE) * HAYI_AMOUNT_ONE;
    }
    return units;
}

static void choose_purses(struct hayi_dice *d, struct hayi_wealth *wealth)
{
    wealth->pools = (uint32_t)hayi_dice_below(d, HAYI_SIM_RESOURCES);
    for (uint32_t r = 0; r < wealth->pools; r++) {
        wealth->units[r] = hayi_dice_log(d, 1, 64) * HAYI_AMOUNT_ONE;
    }
    uint64_t gpus_most = hayi_dice_chance(d, 500) ? 0 : hayi_dice_log(d, 1, 64);
    for (uint32_t w = 0; w < wealth->worker_max; w++) {
        struct hayi_sim_purse *has = &wealth->workers[w].has;
        has->gpus = (uint32_t)hayi_dice_below(d, gpus_most + 1);
        for (uint32_t r = wealth->pools; r < HAYI_SIM_RESOURCES; r++) {
            if (hayi_dice_chance(d, 700)) {
                has->units[r] = hayi_dice_log(d, 1, 20 * HAYI_AMOUNT_ONE);
            }
        }
    }
}

/* What this worker, and the farm, can meet. */
static struct hayi_variant choose_variant(struct hayi_dice *d,
                                          const struct hayi_wealth *wealth,
                                          uint32_t worker)
{
    const struct hayi_sim_purse *has = &wealth->workers[worker].has;
    struct hayi_variant v = {.cores = 1};
    if (hayi_dice_chance(d, 100)) {
        v.cores = HAYI_CORES_ALL;
    } else if (hayi_dice_chance(d, 300)) {
        v.cores = (uint32_t)hayi_dice_between(d, 1, has->cores);
    }
    if (has->gpus > 0 && hayi_dice_chance(d, 400)) {
        v.gpu_units =
            (uint32_t)hayi_dice_between(d, 1, has->gpus) * HAYI_AMOUNT_ONE;
        if (hayi_dice_chance(d, 500)) {
            v.gpu_units =
                (uint32_t)hayi_dice_between(d, 1, HAYI_AMOUNT_ONE - 1);
        }
    }
    if (hayi_dice_chance(d, 300)) {
        v.memory_bytes = hayi_dice_below(
            d, (has->memory_bytes == 0 ? 1000 : has->memory_bytes) + 1);
    }
    for (uint32_t r = 0; r < HAYI_SIM_RESOURCES; r++) {
        uint64_t most = r < wealth->pools ? wealth->units[r] : has->units[r];
        if (most > 0 && hayi_dice_chance(d, 400)) {
            v.amounts[v.amount_count].resource = r;
            v.amounts[v.amount_count++].units = units_up_to(d, most);
        }
    }
    return v;
}

hay_status hayi_chaos_wealth(struct hayi_dice *d,
                             struct hayi_wealth *wealth,
                             uint32_t rich)
{
    hay_status st = HAY_OK;
    choose_purses(d, wealth);
    uint64_t requests = hayi_dice_between(d, 1, REQUESTS_MAX);
    for (uint64_t i = 0; i < requests && st == HAY_OK; i++) {
        struct hayi_variant variants[HAYI_VARIANT_MAX];
        uint32_t count =
            hayi_dice_chance(d, 500) ? 1 : (uint32_t)hayi_dice_between(d, 1, 4);
        uint32_t sure = (uint32_t)hayi_dice_below(d, count);
        uint32_t index = 0;
        for (uint32_t v = 0; v < count; v++) {
            uint32_t whose =
                v == sure ? rich
                          : (uint32_t)hayi_dice_below(d, wealth->worker_max);
            variants[v] = choose_variant(d, wealth, whose);
        }
        st = hayi_wealth_request(wealth, variants, count, &index);
    }
    return st;
}
