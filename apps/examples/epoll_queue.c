/* epoll_queue.c - a program with an event loop of its own: a completion queue's
 * descriptor and a timer in one epoll set.  Nothing blocks but epoll_wait().
 */
#include <hayfork/hayfork.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { COUNT = 20 };

HAY_TASK(square)
{
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    return hay_return_int64(task, x * x);
}

/* Take all that are ready; false when none will come any more. */
static bool take(hay_queue *queue, int64_t *sum)
{
    hay_future *future = NULL;
    hay_status st = HAY_OK;
    while ((st = hay_queue_next(queue, 0, &future)) == HAY_OK) {
        int64_t x = 0;
        if (hay_result_int64(future, 0, &x) == HAY_OK) {
            *sum += x;
        }
        hay_future_release(future);
    }
    return st != HAY_EEMPTY; /* HAY_ETIMEDOUT: none is ready now */
}

static void loop(hay_queue *queue, int queue_fd, int timer_fd, int epoll_fd)
{
    int64_t sum = 0;
    bool more = true;
    struct epoll_event events[2] = {{.events = EPOLLIN, .data.fd = queue_fd},
                                    {.events = EPOLLIN, .data.fd = timer_fd}};
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, queue_fd, &events[0]);
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &events[1]);
    while (more) {
        int n = epoll_wait(epoll_fd, events, 2, -1);
        for (int i = 0; i < n; i++) {
            uint64_t ticks = 0;
            if (events[i].data.fd == queue_fd) {
                more = take(queue, &sum);
            } else if (read(timer_fd, &ticks, sizeof(ticks)) > 0) {
                printf("tick: %zu to come\n", hay_queue_count(queue));
            }
        }
    }
    printf("sum of squares: %lld\n", (long long)sum);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    struct itimerspec every = {{0, 100000000}, {0, 100000000}};
    int queue_fd = -1;
    (void)argc, (void)argv;
    HAY_TRY(hay_queue_new(ex, &options.queue));
    hay_status st = hay_queue_fd(options.queue, &queue_fd);
    for (int i = 1; i <= COUNT && st == HAY_OK; i++) {
        /* The queue keeps a count of each future: we need none. */
        st = hay_submit(ex, square, HAY_ARGS(hay_int64(i)), &options, NULL);
    }
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (st == HAY_OK && timer_fd >= 0 && epoll_fd >= 0) {
        (void)timerfd_settime(timer_fd, 0, &every, NULL);
        loop(options.queue, queue_fd, timer_fd, epoll_fd);
    }
    (void)close(epoll_fd);
    (void)close(timer_fd);
    hay_queue_free(options.queue);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
