/* spawner_capture.h - where the output of commands goes.
 *
 * Owns: the files of all slots.
 * Never: copies what a silent command did not write; stops for a full disk.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_CAPTURE_H
#define HAYI_WORKER_SPAWNER_CAPTURE_H

#include "worker/spawner.h"

struct hayi_capture;

/* folder, prefix: copied.  Returns an errno, 0 on success. */
int hayi_capture_new(enum hayi_capture_mode mode,
                     const char *folder,
                     const char *prefix,
                     uint32_t slots,
                     struct hayi_capture **capture);
/* Scratch files that are empty are removed. */
void hayi_capture_free(struct hayi_capture *capture);

/* The descriptors that the slot's next command writes to (-1: the spawner's
 * own); borrowed until its hayi_capture_end().  Returns an errno or 0. */
int hayi_capture_begin(struct hayi_capture *capture,
                       uint32_t slot,
                       uint64_t id,
                       const char *name,
                       int fds[2]);
/* How much the slot's command has written by now, both streams. */
uint64_t hayi_capture_written(const struct hayi_capture *capture,
                              uint32_t slot);
/* The command ended: its output above 'limit' (0: none) is cut off, the end of
 * the longer stream first, and the event's over_output set; fill 'file',
 * 'offset', 'length' and 'output_lost' of the event.  stained: some process may
 * still write to its files; later commands then get others. */
void hayi_capture_end(struct hayi_capture *capture,
                      uint32_t slot,
                      uint64_t limit,
                      bool stained,
                      struct hayi_spawn_event *event);

#endif
