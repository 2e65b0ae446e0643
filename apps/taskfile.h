/* taskfile.h - Hayfork's own task file: commands, one a line, and #HAY lines.
 *
 *     #HAY defaults retries=1 time=10m
 *     #HAY name=sim[1..1000] after=prep mem=2G    # an array
 *     ./simulate --seed {n} > out/{n}.dat
 *
 * The whole language is told by `hayfork help run`.
 */
#ifndef APPS_TASKFILE_H
#define APPS_TASKFILE_H

#include "workload.h"

#define TASKFILE_LINE_MAX ((size_t)1 << 20)

struct taskfile;

/* w: borrowed until taskfile_free(); its 'file' stands in messages.
 * defaults: copied.  stream: names must be known when they are used. */
struct taskfile *
taskfile_new(struct workload *w, const struct request *defaults, bool stream);
void taskfile_free(struct taskfile *tf);

/* The next bytes of the file, whatever their number.  HAY_EINVAL: fault has
 * "FILE:LINE: what"; what stood above that line is in the workload. */
hay_status taskfile_feed(struct taskfile *tf,
                         const char *data,
                         size_t size,
                         struct fault *fault);
/* No more comes.  HAY_EINVAL as above. */
hay_status taskfile_end(struct taskfile *tf, struct fault *fault);

/* data[size] is a whole file: read it, check it and set it in order.  w: set up
 * by workload_init.  HAY_EINVAL: as above. */
hay_status taskfile_parse(const char *data,
                          size_t size,
                          const struct request *defaults,
                          struct workload *w,
                          struct fault *fault);

/* All of a file, with a 0 behind it.  data: given (free()).  HAY_EIO; the words
 * have the file's name. */
hay_status
file_read(const char *path, char **data, size_t *size, struct fault *fault);

#endif
