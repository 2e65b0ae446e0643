/* file_name.h - names of tasks as names of files, and of files that many tasks
 * share.
 *
 * Owns: nothing.
 * Never: touches a file.
 * Threads: any.
 */
#ifndef HAYI_BASE_FILE_NAME_H
#define HAYI_BASE_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HAYI_FILE_NAME_MAX = 200 }; /* bytes, with the 0 */

/* Writes at most 'size' bytes with the 0: '/', control characters and a leading
 * dot become '_'; long names are cut.  Doing it twice changes nothing. */
void hayi_file_name(const char *name, char *text, size_t size);

enum { HAYI_OUTPUT_PREFIX_MAX = 40 };
/* With what the names of a worker's output files begin: "w3", in a run that
 * goes on for the second time "e3.w3", since what an earlier start has left
 * running may still write to its own. */
void hayi_output_prefix(uint32_t epoch,
                        uint32_t worker,
                        char text[HAYI_OUTPUT_PREFIX_MAX]);
/* Is it the name of a file that a running command writes to, as the spawner
 * calls it: PREFIX.sN.now.out, .err? */
bool hayi_output_is_scratch(const char *name);

#endif
