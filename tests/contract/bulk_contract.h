/* bulk_contract.h - the battery for bulk messages, beside that for frames.
 *
 * Peer 0 and each other peer exchange messages; all ranks run the same tests in
 * the same order, as in transport_contract.h.
 *
 * Owns: nothing; the transports are the caller's.
 * Never: closes a transport; sleeps to wait for something.
 * Threads: one.
 */
#ifndef HAYFORK_TESTS_CONTRACT_BULK_CONTRACT_H
#define HAYFORK_TESTS_CONTRACT_BULK_CONTRACT_H

#include "contract/transport_contract.h"

/* Each returns how many complaints it printed. */

/* Messages of 1 byte to 64 MiB both ways at the same time, many at once, tags
 * in another order at the receiver: each is told once at each end and comes
 * whole, equal tags in order. */
unsigned hayi_contract_bulk(struct hayi_contract *contract);
/* Receives of shorter, longer and empty messages fail alone; nothing is
 * written beyond the receive, the next ones are well. */
unsigned hayi_contract_bulk_unequal(struct hayi_contract *contract);
/* Sends without polling are refused some time, with HAY_EAGAIN; what was
 * accepted comes, and then there is room again. */
unsigned hayi_contract_bulk_limit(struct hayi_contract *contract);
/* What is under way with a dropped peer ends, and nothing begins any more: the
 * last test of a transport's life. */
unsigned hayi_contract_bulk_drop(struct hayi_contract *contract);

#endif
