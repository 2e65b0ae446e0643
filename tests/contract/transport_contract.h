/* transport_contract.h - one battery of tests that every transport must pass.
 *
 * It drives all ends that live in this process: all of them for a transport
 * within a process; under MPI the end of this rank, while every rank runs the
 * same battery.  Peer 0 talks to each other peer, as a manager does.
 *
 * Owns: nothing; the transports are the caller's.
 * Never: closes a transport; sleeps to wait for something.
 * Threads: one.
 */
#ifndef HAYFORK_TESTS_CONTRACT_TRANSPORT_CONTRACT_H
#define HAYFORK_TESTS_CONTRACT_TRANSPORT_CONTRACT_H

#include "transport/transport.h"

enum { HAYI_CONTRACT_ENDS_MAX = 4 };

struct hayi_contract {
    struct hayi_transport *ends[HAYI_CONTRACT_ENDS_MAX]; /* of this process */
    uint32_t end_count;
    /* Called when nothing came: lets virtual time pass.  May be NULL. */
    void (*idle)(void *context);
    void *context;
};

/* Each returns how many complaints it printed ("# ..." lines).  All ranks must
 * call the same ones in the same order. */

/* Frames of all sizes up to the largest go both ways at the same time within
 * the credit; they come whole, aligned, in order. */
unsigned hayi_contract_frames(struct hayi_contract *contract);
/* Manager sends without polling: at least the credit is accepted, then
 * HAY_EAGAIN (surely if nobody else polls); what was accepted comes, and there
 * is room again. */
unsigned hayi_contract_limit(struct hayi_contract *contract);
/* Frames are answered from inside the sink. */
unsigned hayi_contract_answer(struct hayi_contract *contract);
/* One sleeps without a limit in ppoll(), the other sends: rung every time. */
unsigned hayi_contract_bell(struct hayi_contract *contract);

/* A frame that came to the manager at the end of another battery, from a worker
 * that is in the next test already: is it that, and kept for it? */
bool hayi_contract_early(uint32_t end, const void *data, size_t size);

/* For transports within a process: 'kill' ends the last end, which has sent
 * frames before.  They come, then its death, once; sending to it fails. */
unsigned hayi_contract_down(struct hayi_contract *contract,
                            void (*kill)(void *context));

#endif
