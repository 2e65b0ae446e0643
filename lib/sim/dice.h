/* dice.h - numbers by chance, the same ones for the same seed everywhere.
 *
 * Owns: nothing; the state is the caller's.
 * Never: asks the system for chance.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_DICE_H
#define HAYI_SIM_DICE_H

#include <hayfork/hayfork.h>

struct hayi_dice {
    uint64_t state;
};

void hayi_dice_init(struct hayi_dice *dice, uint64_t seed);
uint64_t hayi_dice_next(struct hayi_dice *dice);
/* 0 .. count-1; 0 if count is 0. */
uint64_t hayi_dice_below(struct hayi_dice *dice, uint64_t count);
/* low .. high, each equally often. */
uint64_t hayi_dice_between(struct hayi_dice *dice, uint64_t low, uint64_t high);
/* low .. high, low at least 1; each order of magnitude about equally often. */
uint64_t hayi_dice_log(struct hayi_dice *dice, uint64_t low, uint64_t high);
/* true so many times in a thousand. */
bool hayi_dice_chance(struct hayi_dice *dice, uint32_t permille);

#endif
