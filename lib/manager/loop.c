/* loop.c - see loop.h.
 *
 * Sleeping and being woken costs 5 to 50 microseconds, looking again costs a
 * core that tasks may need (the thread shares the cores of the slots).  So
 * while a core has nothing to do anyway it looks for SPIN_NS, giving the core
 * away now and then.  With all cores busy it gives the core away YIELDS times
 * before it sleeps: a slot then runs for a slice of the kernel's, or until it
 * has nothing left, and the loop goes on at that moment without anybody being
 * woken.  At least LOOKS looks in any case: MPI often only brings in at the
 * first what it shows at the second.
 */
#include "config.h"

#include "manager/loop.h"

#include "base/clock.h"

#include <poll.h>
#include <sched.h>
#include <time.h>

enum {
    LOOKS = 2,
    YIELD_EVERY = 8, /* looks */
    YIELDS = 10,
    SPIN_NS = 60000,
    FDS_MAX = 64,
    SLEEP_NS = 1000000000, /* at most: datagram bells may get lost */
    REMOTE_SLEEP_NS = 100000000,
};

/* A worker in this process has no connection whose end would tell. */
static bool tell_break(struct hayi_loop *loop)
{
    struct hayi_error why;
    if (loop->manager == NULL || loop->worker == NULL
        || hayi_worker_ended(loop->worker, &why) < HAYI_WORKER_ORPHAN
        || hayi_manager_broken(loop->manager)) {
        return false;
    }
    hayi_manager_lose(loop->manager, 0, why.text);
    return true;
}

static bool poll_once(struct hayi_loop *loop)
{
    bool busy = false;
    uint64_t now = hayi_clock_ns();
    if (loop->manager != NULL) {
        busy = hayi_manager_poll(loop->manager, now);
    }
    if (loop->worker != NULL) {
        busy = hayi_worker_poll(loop->worker, now) || busy;
    }
    return tell_break(loop) || busy;
}

static bool over(const struct hayi_loop *loop)
{
    if (loop->manager != NULL && !hayi_manager_ended(loop->manager)) {
        return false;
    }
    if (loop->worker == NULL
        || (loop->manager != NULL && hayi_manager_broken(loop->manager))) {
        return true; /* a farm that broke down waits for nobody */
    }
    enum hayi_worker_end end = hayi_worker_ended(loop->worker, NULL);
    return end != HAYI_WORKER_SERVES;
}

static uint64_t deadline(const struct hayi_loop *loop)
{
    uint64_t at = UINT64_MAX;
    if (loop->manager != NULL) {
        at = hayi_manager_deadline_ns(loop->manager);
    }
    if (loop->worker != NULL) {
        uint64_t worker = hayi_worker_deadline_ns(loop->worker);
        at = worker < at ? worker : at;
    }
    return at;
}

static void sleep_until(struct hayi_loop *loop, uint64_t at, bool nap)
{
    struct pollfd list[FDS_MAX];
    size_t count = 0;
    list[count++] = (struct pollfd){.fd = loop->bell->fd, .events = POLLIN};
    if (loop->transport != NULL) {
        count += loop->transport->ops->fds(
            loop->transport, list + count, FDS_MAX - count);
    }
    if (loop->worker != NULL) {
        count += hayi_worker_fds(loop->worker, list + count, FDS_MAX - count);
    }
    uint64_t now = hayi_clock_ns();
    uint64_t most = loop->transport != NULL ? REMOTE_SLEEP_NS : SLEEP_NS;
    uint64_t wait = at > now ? at - now : 0;
    wait = wait < most ? wait : most;
    if (nap && wait > loop->transport->nap_ns) {
        wait = loop->transport->nap_ns;
    }
    if (wait == 0) {
        (void)sched_yield();
    }
    const struct timespec limit = {
        .tv_sec = (time_t)(wait / 1000000000),
        .tv_nsec = (long)(wait % 1000000000),
    };
    (void)ppoll(list, count, &limit, NULL);
}

static void rest(struct hayi_loop *loop)
{
    bool nap = false;
    if (loop->manager != NULL) {
        hayi_manager_rest(loop->manager);
    }
    hayi_bell_announce(loop->bell);
    if (loop->transport != NULL) {
        nap = !loop->transport->ops->announce(loop->transport);
    }
    if (!poll_once(loop)
        && (loop->manager == NULL || !hayi_manager_inbox(loop->manager))
        && !over(loop)) {
        sleep_until(loop, deadline(loop), nap);
    }
    if (loop->transport != NULL) {
        loop->transport->ops->awake(loop->transport);
    }
    hayi_bell_awake(loop->bell);
}

/* Is there a core that looking again takes from nobody? */
static bool has_slack(const struct hayi_loop *loop)
{
    return loop->manager != NULL ? hayi_manager_has_slack(loop->manager)
                                 : !hayi_worker_saturated(loop->worker);
}

void hayi_loop_run(struct hayi_loop *loop)
{
    unsigned looks = 0;
    uint64_t spin_end_ns = 0;
    while (!over(loop)) {
        if (poll_once(loop)) {
            looks = 0;
            continue;
        }
        looks++;
        if (looks < LOOKS) {
            continue;
        }
        if (has_slack(loop)) {
            uint64_t now = hayi_clock_ns();
            if (looks == LOOKS) {
                spin_end_ns = now + SPIN_NS;
            }
            if (now < spin_end_ns) {
                if (looks % YIELD_EVERY == 0) {
                    (void)sched_yield();
                }
                continue;
            }
        } else if (looks < LOOKS + YIELDS) {
            (void)sched_yield();
            continue;
        }
        rest(loop);
        looks = 0;
    }
}
