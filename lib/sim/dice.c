/* dice.c - SplitMix64 (Steele, Lea, Flood 2014), integers only, so that no
 * rounding of a machine can change a run.
 */
#include "config.h"

#include "sim/dice.h"

#include <assert.h>

void hayi_dice_init(struct hayi_dice *dice, uint64_t seed)
{
    dice->state = seed;
}

uint64_t hayi_dice_next(struct hayi_dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t hayi_dice_below(struct hayi_dice *dice, uint64_t count)
{
    uint64_t next = hayi_dice_next(dice);
    return count == 0 ? 0 : next % count;
}

uint64_t hayi_dice_between(struct hayi_dice *dice, uint64_t low, uint64_t high)
{
    assert(low <= high);
    return low + hayi_dice_below(dice, high - low + 1);
}

uint64_t hayi_dice_log(struct hayi_dice *dice, uint64_t low, uint64_t high)
{
    uint32_t octaves = 0;

    assert(low >= 1);
    assert(low <= high);
    while (high >> octaves > low) {
        octaves++;
    }
    uint64_t from = low << hayi_dice_below(dice, octaves + 1u);
    uint64_t value = from + hayi_dice_below(dice, from);
    return value > high ? high : value;
}

bool hayi_dice_chance(struct hayi_dice *dice, uint32_t permille)
{
    return hayi_dice_below(dice, 1000) < permille;
}
