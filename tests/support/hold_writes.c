/* hold_writes.c - for LD_PRELOAD: a program that writes some blocks, and then
 * waits until it is killed.  HOLD_SIZE: bytes of a block; HOLD_AFTER: how many
 * of them each process may write.  Other writes pass.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at);

static unsigned long number(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    static atomic_ulong count;
    if (size == number("HOLD_SIZE")
        && atomic_fetch_add(&count, 1) >= number("HOLD_AFTER")) {
        for (;;) {
            (void)pause();
        }
    }
    return (ssize_t)syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
    return pwrite(fd, data, size, at);
}
