/* words.h - the words of the command, one file each: hayfork WORD ... */
#ifndef APPS_WORDS_H
#define APPS_WORDS_H

#include "options.h"

/* argv[0] is the word.  Each returns the exit status. */
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_launch(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_output(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_grow(int argc, char **argv);

/* Read and check what `hayfork run` was given.  Errors as formats_read(). */
hay_status run_read(const struct options *options,
                    struct workload *w,
                    struct fault *fault);

/* The manual of a word, or of the command if 'word' is NULL; NULL if there is
 * no such word. */
const char *help_text(const char *word);

#endif
