/* signals.c - see signals.h.  A handler counts and writes to a pipe; a pipe and
 * not a signalfd, since blocked signals would stay blocked in the commands. */
#include "config.h"

#include "arena.h"
#include "fault.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define SIGNAL_COUNT 65

static int ends[2] = {-1, -1};
static atomic_int level;
static atomic_int counts[SIGNAL_COUNT];

static void wake(void)
{
    int saved = errno;
    ssize_t put = write(ends[1], "s", 1);
    (void)put;
    errno = saved;
}

static void raise_level(int number)
{
    int now = atomic_load(&level);
    int next = number == SIGINT       ? now + 1
               : number == SIGALRM    ? now + (now < SIGNALS_FORCE)
               : number == SIGHUP     ? SIGNALS_FORCE
               : now >= SIGNALS_FORCE ? now + 1
                                      : SIGNALS_FORCE;
    if (next > SIGNALS_FORCE) {
        _exit(130);
    }
    if (next > now) {
        atomic_store(&level, next);
        wake();
    }
}

static void count_signal(int number)
{
    atomic_fetch_add(&counts[number], 1);
    wake();
}

static void do_nothing(int number)
{
    (void)number;
}

static void open_pipe(void)
{
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        say("no pipe to be had");
        exit(3);
    }
}

/* What was ignored when we were started (nohup, a shell's &) stays so. */
static void handle(int number, void (*handler)(int), bool respect)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction old;
    sigset_t set;
    if (respect && sigaction(number, NULL, &old) == 0
        && old.sa_handler == SIG_IGN) {
        return;
    }
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_setup(unsigned rank)
{
    if (rank != 0) {
        handle(SIGUSR1, do_nothing, false);
        handle(SIGUSR2, do_nothing, false);
        handle(SIGALRM, do_nothing, false);
        return;
    }
    open_pipe();
    handle(SIGINT, raise_level, true);
    handle(SIGHUP, raise_level, true);
    handle(SIGTERM, raise_level, false);
    handle(SIGALRM, raise_level, false);
    handle(SIGUSR1, count_signal, false);
    handle(SIGUSR2, count_signal, false);
}

static void (*leave_farm)(void);

static void leave_or_end(int number)
{
    if (atomic_fetch_add(&level, 1) > 0) {
        _exit(128 + number);
    }
    leave_farm();
}

static void leave_at_hint(int number)
{
    (void)number;
    leave_farm();
}

void signals_setup_guest(void (*leave)(void), bool hints)
{
    leave_farm = leave;
    handle(SIGINT, leave_or_end, true);
    handle(SIGHUP, leave_or_end, true);
    handle(SIGTERM, leave_or_end, false);
    handle(SIGUSR1, hints ? leave_at_hint : do_nothing, false);
    handle(SIGUSR2, hints ? leave_at_hint : do_nothing, false);
    handle(SIGALRM, do_nothing, false);
}

static void empty_pipe(void)
{
    char bytes[64];
    while (read(ends[0], bytes, sizeof bytes) > 0) {
    }
}

int signals_level(void)
{
    empty_pipe();
    return atomic_load(&level);
}

bool signals_hint(void)
{
    return atomic_exchange(&counts[SIGUSR1], 0)
               + atomic_exchange(&counts[SIGUSR2], 0)
           > 0;
}

int signals_fd(void)
{
    return ends[0];
}

void signals_setup_launcher(void)
{
    open_pipe();
    handle(SIGINT, count_signal, true);
    handle(SIGHUP, count_signal, true);
    handle(SIGTERM, count_signal, false);
    handle(SIGUSR1, count_signal, false);
    handle(SIGUSR2, count_signal, false);
    handle(SIGCHLD, count_signal, false);
}

int signals_take(int number)
{
    empty_pipe();
    return atomic_exchange(&counts[number], 0);
}
