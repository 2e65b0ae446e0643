/* identity.h - tells how two texts that should be the same differ.
 *
 * Owns: nothing.
 * Never: reads a byte behind the sizes that it is given.
 * Threads: any.
 */
#ifndef HAYI_TRANSPORT_IDENTITY_H
#define HAYI_TRANSPORT_IDENTITY_H

#include <hayfork/hayfork.h>

/* For comparing: equal texts, equal numbers. */
uint64_t hayi_identity_hash(const void *text, size_t size);

/* Writes words[room] about the first line that differs, such as
 *     it has "task f 2" where rank 0 has "task f 1"
 * 'rank': the one whose text is 'first'.  Texts are borrowed. */
void hayi_identity_tell(const char *first,
                        size_t first_size,
                        int rank,
                        const char *other,
                        size_t other_size,
                        char *words,
                        size_t room);

#endif
