/* libuv_queue.c - the same in a loop of libuv: tasks are watched beside a
 * timer, in one thread.
 */
#define _GNU_SOURCE /* uv.h wants it with -std=c17 */
#include <hayfork/hayfork.h>
#include <stdio.h>
#include <uv.h>

enum { COUNT = 20 };

struct program {
    uv_poll_t poll;
    uv_timer_t timer;
    hay_queue *queue;
    int64_t sum;
};

HAY_TASK(square)
{
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    return hay_return_int64(task, x * x);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct program *program = poll->data;
    hay_future *future = NULL;
    hay_status st = HAY_OK;
    (void)status, (void)events;
    while ((st = hay_queue_next(program->queue, 0, &future)) == HAY_OK) {
        int64_t x = 0;
        if (hay_result_int64(future, 0, &x) == HAY_OK) {
            program->sum += x;
        }
        hay_future_release(future);
    }
    if (st == HAY_EEMPTY) { /* all are out: the loop ends */
        uv_close((uv_handle_t *)&program->poll, NULL);
        uv_close((uv_handle_t *)&program->timer, NULL);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct program *program = timer->data;
    printf("tick: %zu to come\n", hay_queue_count(program->queue));
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    struct program program = {.sum = 0};
    uv_loop_t loop;
    int fd = -1;
    (void)argc, (void)argv;
    HAY_TRY(hay_queue_new(ex, &options.queue));
    hay_status st = hay_queue_fd(options.queue, &fd);
    for (int i = 1; i <= COUNT && st == HAY_OK; i++) {
        st = hay_submit(ex, square, HAY_ARGS(hay_int64(i)), &options, NULL);
    }
    program.queue = options.queue;
    if (st == HAY_OK && uv_loop_init(&loop) == 0) {
        program.poll.data = &program;
        program.timer.data = &program;
        (void)uv_poll_init(&loop, &program.poll, fd);
        (void)uv_timer_init(&loop, &program.timer);
        (void)uv_poll_start(&program.poll, UV_READABLE, on_ready);
        (void)uv_timer_start(&program.timer, on_tick, 100, 100);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&loop);
        printf("sum of squares: %lld\n", (long long)program.sum);
    }
    hay_queue_free(options.queue);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
