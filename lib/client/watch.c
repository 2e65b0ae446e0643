/* watch.c - see watch.h.
 *
 * The stack only ever grows by one or is taken as a whole, so that a plain
 * compare-and-swap is safe.  hayi_watch_prune() takes the whole stack, keeps
 * the living and puts them back; if the future ended meanwhile, it fires them
 * itself.  Since that can change their order, watches that need one carry it.
 */
#include "config.h"

#include "client/watch.h"

#include "client/executor.h"

static bool push_chain(hay_future *future,
                       struct hayi_watch *first,
                       struct hayi_watch *last)
{
    struct hayi_watch *top = atomic_load(&future->watches);
    do {
        if (top == HAYI_WATCH_CLOSED) {
            return false;
        }
        last->next = top;
    } while (!atomic_compare_exchange_weak(&future->watches, &top, first));
    return true;
}

bool hayi_watch_add(hay_future *future, struct hayi_watch *watch)
{
    return push_chain(future, watch, watch);
}

/* Insert by order; lists are short and mostly in order already. */
static void
insert(struct hayi_watch **list, struct hayi_watch **last, struct hayi_watch *w)
{
    struct hayi_watch **at =
        *last != NULL && (*last)->order <= w->order ? &(*last)->next : list;
    while (*at != NULL && (*at)->order <= w->order) {
        at = &(*at)->next;
    }
    w->next = *at;
    *at = w;
    if (w->next == NULL) {
        *last = w;
    }
}

/* Fire a chain, newest first in it, oldest first out of it. */
static bool fire_chain(hay_future *future, struct hayi_watch *chain)
{
    struct hayi_watch *plain = NULL;
    struct hayi_watch *ordered = NULL;
    struct hayi_watch *last = NULL;
    bool wake = false;
    struct hayi_watch *next;
    struct hayi_watch *turned = NULL;
    if (chain->next == NULL) { /* most often */
        return chain->ops->fire(chain, future);
    }
    for (; chain != NULL; chain = next) {
        next = chain->next;
        chain->next = turned;
        turned = chain;
    }
    struct hayi_watch *plain_last = NULL;
    for (chain = turned; chain != NULL; chain = next) {
        next = chain->next;
        insert(chain->order == 0 ? &plain : &ordered,
               chain->order == 0 ? &plain_last : &last,
               chain);
    }
    for (chain = plain; chain != NULL; chain = next) {
        next = chain->next;
        wake = chain->ops->fire(chain, future) || wake;
    }
    for (chain = ordered; chain != NULL; chain = next) {
        next = chain->next;
        wake = chain->ops->fire(chain, future) || wake;
    }
    return wake;
}

bool hayi_watch_close(hay_future *future)
{
    struct hayi_watch *chain =
        atomic_exchange(&future->watches, HAYI_WATCH_CLOSED);
    return chain != NULL && fire_chain(future, chain);
}

static void fire_late(hay_future *future, struct hayi_watch *chain)
{
    (void)hay_future_retain(future); /* a watch may give back the last count */
    if (fire_chain(future, chain)) {
        hayi_executor_wake(future->ex);
    }
    hay_future_release(future);
}

void hayi_watch_add_or_fire(hay_future *future, struct hayi_watch *watch)
{
    if (!hayi_watch_add(future, watch)) {
        watch->next = NULL;
        fire_late(future, watch);
    }
}

void hayi_watch_prune(hay_future *future)
{
    struct hayi_watch *chain = atomic_load(&future->watches);
    do {
        if (chain == NULL || chain == HAYI_WATCH_CLOSED) {
            return;
        }
    } while (!atomic_compare_exchange_weak(&future->watches, &chain, NULL));
    struct hayi_watch *living = NULL;
    struct hayi_watch **end = &living;
    struct hayi_watch *last = NULL;
    struct hayi_watch *next;
    for (; chain != NULL; chain = next) {
        next = chain->next;
        if (chain->ops->dead != NULL && chain->ops->dead(chain)) {
            chain->ops->drop(chain);
        } else {
            *end = chain;
            end = &chain->next;
            last = chain;
        }
    }
    *end = NULL;
    if (living != NULL && !push_chain(future, living, last)) {
        last->next = NULL;
        fire_late(future, living);
    }
}
