/* put.h - values of the caller's that become objects.
 *
 * Owns: nothing; an object belongs to the future that is made for it.
 * Never: waits for the manager to note it.
 * Threads: any; the calling one copies into the store.
 */
#ifndef HAYI_CLIENT_PUT_H
#define HAYI_CLIENT_PUT_H

#include "client/future.h"

/* hay_put() without its checks of 'ex' and 'future'. */
hay_status hayi_put(hay_executor *ex,
                    const hay_arg *value,
                    hay_future **future,
                    struct hayi_error *err);

/* Arguments with each large value put first and named by its future. */
struct hayi_put_args {
    hay_args args;        /* use these */
    hay_arg *list;        /* ours, or NULL: nothing was large */
    hay_future **futures; /* [count], to be released after the submit */
    size_t count;
};
/* args: borrowed until hayi_put_args_fini(), which is also to be called when
 * this fails.  As hay_put(). */
hay_status hayi_put_args_init(hay_executor *ex,
                              hay_args args,
                              struct hayi_put_args *put,
                              struct hayi_error *err);
void hayi_put_args_fini(struct hayi_put_args *put);

#endif
