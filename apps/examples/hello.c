/* hello.c - two tasks, the second one on the first one's result: prints 625.
 *
 *     hello          mpirun -n 3 hello          hayfork launch -n 3 hello
 */
#include <hayfork/hayfork.h>
#include <stdio.h>

/* Defines a task function and registers it by name. */
HAY_TASK(square)
{
    double x;
    /* Wrong type or no such argument: the task fails, and says so. */
    HAY_TRY(hay_arg_double(task, 0, &x));
    return hay_return_double(task, x * x);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *a = NULL, *b = NULL;
    double y = 0;
    (void)argc, (void)argv;
    hay_status st = hay_submit(ex, square, HAY_ARGS(hay_double(5)), NULL, &a);
    /* A future as an argument: an edge of the graph. */
    if (st == HAY_OK) {
        st = hay_submit(ex, square, HAY_ARGS(hay_ref(a)), NULL, &b);
    }
    if (st == HAY_OK) {
        st = hay_result_double(b, HAY_FOREVER, &y);
    }
    if (st == HAY_OK) {
        printf("%g\n", y); /* 625 */
    }
    hay_future_release(a);
    hay_future_release(b);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
