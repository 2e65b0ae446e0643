/* transport_wide.h - an end of two transports as one: the peers that are there
 * at the start, and guests that come later.
 *
 * Owns: nothing; both transports are the caller's.
 * Never: hands on messages between the peers of the two.
 * Threads: the loop's.
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_WIDE_H
#define HAYI_TRANSPORT_TRANSPORT_WIDE_H

#include "transport/transport.h"

/* base: peers 0 .. base->peer_count-1; hub: of those behind them.  Both
 * borrowed.  HAY_ENOMEM. */
hay_status hayi_transport_wide_new(struct hayi_transport *base,
                                   struct hayi_transport *hub,
                                   struct hayi_transport **wide);

#endif
