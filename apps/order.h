/* order.h - which task of a file has which number in its run: RUN/order.tsv.
 *
 * A line "PLACE<tab>NUMBER<tab>BEFORE" says that the task at this place in the
 * file (from 0) has that number, and that those behind it count on; BEFORE
 * tasks were submitted before it, so that the next line tells how many these
 * are.  Number 0: there are no more.  Mostly it is two lines.  A run that goes
 * on makes it again.
 */
#ifndef APPS_ORDER_H
#define APPS_ORDER_H

#include "arena.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

struct order_writer;

/* NULL: it cannot be made, which matters to nobody but `hayfork output --all`.
 */
struct order_writer *order_begin(const char *run_folder);
/* The task at this place was submitted.  NULL is fine. */
void order_note(struct order_writer *writer, uint64_t place, uint64_t number);
/* All are submitted that will be: from now on it is the run's.  Frees.  NULL is
 * fine. */
void order_end(struct order_writer *writer);

/* The places of a run. */
struct order {
    struct order_row *rows; /* [count], by number */
    size_t count, room;
    uint64_t before; /* while it is read: of the last row */
    bool there;      /* false: no such file, the order is that of the numbers */
};
/* HAY_EIO: it is there and cannot be read. */
hay_status
order_read(const char *run_folder, struct order *order, struct fault *fault);
/* false: no task of the file has this number. */
bool order_place(const struct order *order, uint64_t number, uint64_t *place);
void order_fini(struct order *order);

#endif
