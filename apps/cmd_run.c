/* cmd_run.c - hayfork run FILE: runs a task file. */
#include "config.h"

#include "session.h"
#include "taskfile.h"
#include "wfformat.h"
#include "words.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Would it be better understood by another word? */
static bool is_workflow(const char *path)
{
    char head[512];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);
    if (fd >= 0) {
        close(fd);
    }
    return got > 0 && wfformat_guess(head, (size_t)got);
}

hay_status
run_read(const struct options *options, struct workload *w, struct fault *fault)
{
    if (is_workflow(options->file)) {
        return fault_at(fault,
                        options->file,
                        1,
                        "this is JSON; recorded workflows are run by hayfork "
                        "replay");
    }
    return taskfile_read(options->file, &options->request, w, fault);
}

int cmd_run(int argc, char **argv)
{
    return session_main(WORD_RUN, argc, argv, run_read);
}
