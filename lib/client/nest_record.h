/* nest_record.h - futures as records of wire/nest.h: what is submitted, and how
 * it ended.
 *
 * The specification of a task and the head of a result are sent as they lie in
 * memory; all ranks run the same program (checked at start).
 *
 * Owns: nothing.
 * Never: trusts a length; looks at what a task does.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_NEST_RECORD_H
#define HAYI_CLIENT_NEST_RECORD_H

#include "client/future.h"
#include "wire/nest.h"

/* The body of a SUBMIT without a map's input, which follows it. */
size_t hayi_nest_submit_size(const hay_future *future);
/* Its bytes at 'body', 8-byte aligned.  unwanted: nobody waits for its end. */
void hayi_nest_submit_write(const hay_future *future,
                            uint32_t client,
                            bool unwanted,
                            void *body);
/* A map's input; NULL: none. */
const void *hayi_nest_submit_input(const hay_future *future, uint64_t *size);

/* The future of the manager's: one count, its inputs filled in and not counted.
 * find: the input with this number; NULL: there is none.
 * body: borrowed; a map's input lies in it, and is not copied.
 * HAY_EMISMATCH: damaged; HAY_EINVAL: an input is not known; HAY_ENOMEM; with
 * words. */
hay_status hayi_nest_submit_read(hay_executor *ex,
                                 const void *body,
                                 size_t size,
                                 hay_future *(*find)(void *context,
                                                     hay_task_id id),
                                 void *context,
                                 hay_future **future,
                                 struct hayi_error *err);

/* The body of ENDED. */
size_t hayi_nest_ended_size(const hay_future *future);
/* The value in it, whose places are the caller's to change. */
void *hayi_nest_ended_write(const hay_future *future,
                            uint32_t client,
                            hay_state state,
                            void *body);
/* The result that it tells, given (free() with its reason); NULL: it has none.
 * keep: where paths stay.  HAY_EMISMATCH, HAY_ENOMEM with words. */
hay_status hayi_nest_ended_read(const void *body,
                                size_t size,
                                const char *(*keep)(void *context,
                                                    const char *path),
                                void *context,
                                struct hayi_result **result,
                                struct hayi_error *err);

#endif
