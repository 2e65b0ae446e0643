/* hayfork/task.h - what a running task may call; included by hayfork.h.
 *
 * Every call but hay_task_executor(), hay_task_cancelled() and hay_task_log()
 * is for the thread that runs the task.
 */
#ifndef HAYFORK_TASK_H
#define HAYFORK_TASK_H

#ifndef HAYFORK_HAYFORK_H
#error "include <hayfork/hayfork.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Arguments by index from 0.  Views are borrowed until the task returns.
 * HAY_ETYPE: another type or no such argument; the task's error says so. */
size_t hay_arg_count(const hay_task *task);
hay_type hay_arg_type(const hay_task *task, size_t index);
hay_status hay_arg_double(hay_task *task, size_t index, double *value);
hay_status hay_arg_int64(hay_task *task, size_t index, int64_t *value);
hay_status hay_arg_string(hay_task *task, size_t index, const char **text);
hay_status hay_arg_bytes(hay_task *task,
                         size_t index,
                         const void **data,
                         size_t *size_bytes);
hay_status hay_arg_array(hay_task *task, size_t index, hay_array_view *view);
/* Arguments made by hay_refs(): the number of elements, and one of them. */
hay_status hay_arg_list(hay_task *task, size_t index, size_t *count);
hay_status
hay_arg_list_double(hay_task *task, size_t index, size_t i, double *value);
hay_status
hay_arg_list_int64(hay_task *task, size_t index, size_t i, int64_t *value);
hay_status
hay_arg_list_string(hay_task *task, size_t index, size_t i, const char **text);
hay_status hay_arg_list_bytes(hay_task *task,
                              size_t index,
                              size_t i,
                              const void **data,
                              size_t *size_bytes);
hay_status hay_arg_list_array(hay_task *task,
                              size_t index,
                              size_t i,
                              hay_array_view *view);

/* The result; the last call counts.  Everything is copied; above
 * HAY_INLINE_MAX into an object of this node.  HAY_EIO: no room for it in
 * memory and on the disk, with words; HAY_ENOMEM. */
hay_status hay_return_double(hay_task *task, double value);
hay_status hay_return_int64(hay_task *task, int64_t value);
hay_status hay_return_string(hay_task *task, const char *text);
hay_status hay_return_bytes(hay_task *task, const void *data, size_t size);
hay_status hay_return_array(hay_task *task,
                            hay_dtype dtype,
                            uint32_t ndim,
                            const uint64_t *shape,
                            const void *data);
/* Room for a result of 'size' bytes (HAY_BYTES), to be filled in place before
 * the task returns; borrowed.  Its first contents are undefined.  Never waits
 * for other tasks. */
hay_status hay_return_alloc(hay_task *task, size_t size, void **data);
/* The same for an array. */
hay_status hay_return_alloc_array(hay_task *task,
                                  hay_dtype dtype,
                                  uint32_t ndim,
                                  const uint64_t *shape,
                                  void **data);
/* The result is argument 'index' as it came, which is not copied. */
hay_status hay_return_arg(hay_task *task, size_t index);
/* From now on the task has 'count' results (at most 65,536), and hay_return_*()
 * sets the one with this index; those that are never set are HAY_NONE. */
hay_status hay_return_count(hay_task *task, size_t count);
hay_status hay_return_select(hay_task *task, size_t index);

/* Where a task of hay_array_map() stands. */
typedef struct hay_block {
    uint64_t index;    /* of the block, row-major in the grid of blocks */
    uint64_t count;    /* of all blocks */
    hay_region region; /* what it computes of the output */
    hay_region inputs; /* what it sees of the inputs: with the halo, cut at
                          the array's edges */
} hay_block;
/* HAY_EINVAL: the task is not one of hay_array_map(). */
hay_status hay_task_block(hay_task *task, hay_block *block);

/* Word a failure: 'return hay_task_fail(task, 3, "no peak in %s", name);'.
 * code: the user's own number, shown as the exit code.  Returns HAY_ETASK. */
hay_status hay_task_fail(hay_task *task, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
hay_status
hay_task_vfail(hay_task *task, int code, const char *format, va_list list);

hay_task_id hay_task_get_id(const hay_task *task);
const char *hay_task_name(const hay_task *task); /* "" if it has none */
uint32_t hay_task_attempt(const hay_task *task); /* 1 for the first try */
/* The worker that runs it: its MPI rank, 0 without MPI. */
uint32_t hay_task_worker(const hay_task *task);
/* Was its cancellation asked for?  A long task looks now and then, and agrees
 * by 'return HAY_ECANCELLED'.  Costs one atomic load. */
bool hay_task_cancelled(const hay_task *task);
/* Nanoseconds until the end of work (see hay_options.deadline_ns), 0 once it is
 * over; HAY_FOREVER: no deadline is known.  It may become more or less.  A long
 * function that saves its state when this is short says so by 'return
 * hay_task_fail(task, 75, "saved");': with a deadline known it is unfinished
 * then (HAY_CAUSE_WALLTIME), not failed.  Costs an atomic load and a look at
 * the clock. */
uint64_t hay_task_time_left(const hay_task *task);
/* That end as Unix time in nanoseconds; 0: no deadline is known. */
uint64_t hay_task_deadline(const hay_task *task);
/* The logical cpus leased to the task: writes at most 'room' operating system
 * indices to 'cpus', returns how many there are.  0: not pinned. */
size_t hay_task_cpus(const hay_task *task, int *cpus, size_t room);
uint32_t hay_task_cores(const hay_task *task);
/* The gpus dealt to the task, as CUDA_VISIBLE_DEVICES would name them on this
 * node (of a name that is no number: its place in that list): writes at most
 * 'room' of them, returns how many there are.  Commands and children of process
 * slots find them in their environment.  Thread slots share one environment,
 * that of their process, which is left as it is: a function there must choose
 * by these numbers (cudaSetDevice), and nobody keeps it from other gpus. */
size_t hay_task_gpus(const hay_task *task, int *gpus, size_t room);
/* How much of a resource it was given ("cores", "gpus", "mem" in bytes, a named
 * one); 0: none. */
double hay_task_amount(const hay_task *task, const char *resource);
/* Which of the alternatives of its request it was given, from 0. */
uint32_t hay_task_variant(const hay_task *task);
/* A line to the farm's log (rank 0's standard error). */
void hay_task_log(hay_task *task, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Random numbers: a stream per task (per item in a map), keyed by the run's
 * seed and the task's stream key, the same wherever and whenever it runs.
 * Philox4x32-10; Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy
 * as 1, 2, 3; SC11. */
uint64_t hay_task_random(hay_task *task);
/* Uniform in [0, 1), 53 bits. */
double hay_task_random_double(hay_task *task);

/* ---- tasks that start tasks -------------------------------------------- */

/* The executor to submit to from inside a task, of any kind of slot and on any
 * rank; borrowed until the task returns.  All calls on it, and on its futures,
 * work as outside, but hay_shutdown() and hay_executor_free() (HAY_EINVAL), and
 * on other ranks than 0 and in process slots hay_executor_wait_workers() and
 * hay_task_options_check() (HAY_EUNSUPPORTED).
 *
 * What a task submits is its child: children go before what is less deep, of
 * equal priority; they outlive their parent unless it is cancelled with
 * HAY_CANCEL_NESTED.  While the task waits for a future its cores are given to
 * others and taken back before it goes on; memory, gpus and the rest stay its
 * own.  Above hay_options.suspended_max waiting tasks of a worker, one that
 * waits in a thread slot runs its own children that have not begun in its
 * place, first the one that it waits for; one in a process slot keeps its
 * process and waits.  A future must be released before the task returns.
 *
 * In a process slot only the thread that runs the task may wait, read large
 * results and put large values (HAY_EUNSUPPORTED). */
hay_executor *hay_task_executor(hay_task *task);
/* The task's result is that of 'future' (of this task's executor), once that
 * has ended; if it fails, this one fails with it as its culprit.  One that
 * waits for this task's result itself fails the attempt.  The future may be
 * released at once.  Takes the place of every other hay_return_*(). */
hay_status hay_return_future(hay_task *task, hay_future *future);

#ifdef __cplusplus
}
#endif
#endif
