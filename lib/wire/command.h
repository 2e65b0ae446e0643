/* command.h - a command as bytes: what hay_submit_command() packs and a worker
 * unpacks.
 *
 * Layout: hayi_command_head, then the strings, each with its 0: line or
 * argv..., cwd, env..., stdin, in_files..., out_files....
 *
 * Owns: nothing.
 * Never: trusts a length.
 * Threads: any.
 */
#ifndef HAYI_WIRE_COMMAND_H
#define HAYI_WIRE_COMMAND_H

#include "base/error.h"

struct hayi_command_head {
    uint32_t argc; /* 0: a line */
    uint32_t envc;
    uint8_t has_cwd, has_stdin, has_index, reserved;
    uint32_t string_bytes;
    uint64_t index;
    uint32_t in_count, out_count;
};

/* Bytes needed; HAY_EINVAL, HAY_ETOOBIG with words. */
hay_status hayi_command_measure(const hay_command *command,
                                size_t *size,
                                struct hayi_error *err);
void hayi_command_write(const hay_command *command, void *bytes);

/* Unpacked: pointers into the bytes. */
struct hayi_command_view {
    const char *line;
    const char **argv; /* NULL-terminated; or NULL */
    const char *cwd;
    const char **env; /* NULL-terminated, maybe empty */
    const char *stdin_path;
    const char **in_files; /* NULL-terminated, maybe empty */
    const char **out_files;
    uint32_t in_count, out_count;
    uint64_t index;
    bool has_index;
    void *memory; /* of the lists; free() */
};
hay_status hayi_command_read(const void *bytes,
                             size_t size,
                             struct hayi_command_view *view,
                             struct hayi_error *err);
/* Does it name files?  The bytes need not be sound. */
bool hayi_command_has_files(const void *bytes, size_t size);

#endif
