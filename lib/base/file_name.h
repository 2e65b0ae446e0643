/* file_name.h - names of tasks as names of files.
 *
 * Owns: nothing.
 * Never: touches a file.
 * Threads: any.
 */
#ifndef HAYI_BASE_FILE_NAME_H
#define HAYI_BASE_FILE_NAME_H

#include <stddef.h>

enum { HAYI_FILE_NAME_MAX = 200 }; /* bytes, with the 0 */

/* Writes at most 'size' bytes with the 0: '/', control characters and a leading
 * dot become '_'; long names are cut.  Doing it twice changes nothing. */
void hayi_file_name(const char *name, char *text, size_t size);

#endif
