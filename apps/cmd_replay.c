/* cmd_replay.c - hayfork replay FILE: runs a recorded workflow. */
#include "config.h"

#include "session.h"
#include "wfformat.h"
#include "words.h"

#include <string.h>

static hay_status read_workflow(const struct options *options,
                                struct workload *w,
                                struct fault *fault)
{
    return wfformat_read(options->file, w, fault);
}

int cmd_replay(int argc, char **argv)
{
    return session_main(WORD_REPLAY, argc, argv, read_workflow);
}
