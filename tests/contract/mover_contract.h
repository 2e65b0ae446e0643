/* mover_contract.h - one battery of tests for movers, over any transport that
 * has bulk messages.
 *
 * Each end has a store of its own, as if on another node; all pairs of ends
 * exchange objects.  As in transport_contract.h it drives the ends of this
 * process, and all ranks run the same tests in the same order.
 *
 * Owns: stores and movers, each for a test.
 * Never: closes a transport; sleeps to wait for something.
 * Threads: one, and those of the movers.
 */
#ifndef HAYFORK_TESTS_CONTRACT_MOVER_CONTRACT_H
#define HAYFORK_TESTS_CONTRACT_MOVER_CONTRACT_H

#include "contract/transport_contract.h"

/* Each returns how many complaints it printed. */

/* From 1 byte to 64 MiB, all at once and both ways; the bytes are the same. */
unsigned hayi_contract_move_sizes(struct hayi_contract *contract);
/* The same with checksums. */
unsigned hayi_contract_move_checked(struct hayi_contract *contract);
/* More than the memory of either end holds: sources come from the disk, and
 * room is made by it. */
unsigned hayi_contract_move_spilled(struct hayi_contract *contract);
/* Objects are dropped as soon as their sending has begun. */
unsigned hayi_contract_move_dropped(struct hayi_contract *contract);
/* Receivers that have no room, senders that lack the object or have one of
 * another size: both ends are told, and the next transfers are well. */
unsigned hayi_contract_move_refused(struct hayi_contract *contract);

#endif
