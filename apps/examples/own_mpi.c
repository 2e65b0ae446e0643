/* own_mpi.c - a program that has MPI for itself: the farm lives on a
 * communicator for a while, then the program goes on with MPI.
 *
 *     mpirun -n 3 own_mpi
 */
#include <hayfork/mpi.h>
#include <stdio.h>

HAY_TASK(square)
{
    double x = 0;
    HAY_TRY(hay_arg_double(task, 0, &x));
    return hay_return_double(task, x * x);
}

static hay_status farm(hay_executor *ex, double *sum)
{
    hay_future *futures[10] = {NULL};
    hay_status st = HAY_OK;
    for (int i = 0; i < 10 && st == HAY_OK; i++) {
        st = hay_submit(ex, square, HAY_ARGS(hay_double(i)), NULL, &futures[i]);
    }
    for (int i = 0; i < 10 && st == HAY_OK; i++) {
        double y = 0;
        st = hay_result_double(futures[i], HAY_FOREVER, &y);
        *sum += y;
    }
    for (int i = 0; i < 10; i++) {
        hay_future_release(futures[i]);
    }
    return st;
}

int main(int argc, char **argv)
{
    int level = 0;
    int rank = 0;
    double sum = 0;
    hay_executor *ex = NULL;
    (void)hay_prefork(); /* first of all: only needed for command tasks */
    (void)MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    hay_status st = HAY_OK;
    if (rank == 0) {
        st = hay_open(MPI_COMM_WORLD, NULL, &ex);
        if (st == HAY_OK) {
            st = farm(ex, &sum);
        }
        if (ex != NULL && st == HAY_OK) {
            st = hay_shutdown(ex, true, false);
        }
        hay_executor_free(ex);
    } else {
        st = hay_serve(MPI_COMM_WORLD, NULL); /* until rank 0 shuts down */
    }
    if (st != HAY_OK) {
        (void)fprintf(stderr, "rank %d: %s\n", rank, hay_error_text());
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
    }
    (void)MPI_Bcast(&sum, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    printf("rank %d knows the sum: %g\n", rank, sum);
    (void)MPI_Finalize();
    return 0;
}
