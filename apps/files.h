/* files.h - which task writes which file, for the edges that in= and out= make.
 *
 * Every out= of a workload is entered; an in= is then either written by a task,
 * which must come first, or must be there already.  Two names are the same file
 * if they are equal once made whole, without "." and ".." (by their letters: no
 * link is followed).
 */
#ifndef APPS_FILES_H
#define APPS_FILES_H

#include "workload.h"

struct files;

/* The whole name of a file that an element names by 'template'. */
void files_whole(struct workload *w,
                 const struct block *block,
                 uint64_t element,
                 const char *template,
                 struct text *path);

/* Enter what the tasks of a block write.  HAY_EINVAL: somebody else does. */
hay_status files_add(struct workload *w, uint32_t block, struct fault *fault);

/* Find the blocks that write what this one reads, into its files->makers, and
 * count it among their users.  above: only blocks above it count.
 * HAY_EINVAL: a file that nobody writes is not there. */
hay_status files_resolve(struct workload *w,
                         uint32_t block,
                         bool above,
                         struct fault *fault);

/* The task that writes what element 'element' of 'user' reads by its in=
 * number 'in'.  false: nobody does. */
bool files_maker(struct workload *w,
                 uint32_t user,
                 uint64_t element,
                 size_t in,
                 bool above,
                 uint32_t *block,
                 uint64_t *maker);

void files_fini(struct workload *w);

#endif
