/* guard.c - see guard.h.
 *
 * Under --enable-recovery mpirun's exit status is 0 whatever happens.  So rank
 * 0 has a parent that waits for it: it writes "exit N" or "signal N" to a line
 * on standard error that the launcher takes out (it comes through mpirun, also
 * from another host), and to the file $HAYFORK_STATUS_FILE.  A rank 0 that is
 * killed is told about at once, too.  Signals are not the guard's: mpirun sends
 * them to the process group.
 */
#include "config.h"

#include "arena.h"
#include "errfilter.h"
#include "fault.h"
#include "guard.h"
#include "hosts.h"
#include "mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the launcher sends before the program is ready for it waits until the
 * program unblocks it. */
static void block_drain_signals(void)
{
    sigset_t set;
    if (getenv(ENV_DRAINS) != NULL) {
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGUSR2);
        sigaddset(&set, SIGALRM);
        sigprocmask(SIG_BLOCK, &set, NULL);
    }
}

static void become(char **argv)
{
    execvp(argv[0], argv);
    say("%.500s: %s", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* A rank goes with the mpirun or orted that started it, whatever it is. */
static void die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == 1) {
        _exit(3);
    }
}

static void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return;
        }
        data += put;
        size -= (size_t)put;
    }
}

static void tell_launcher(const char *words)
{
    char line[64];
    snprintf(line, sizeof line, "%s%s\n", ERRFILTER_MARK, words);
    write_all(STDERR_FILENO, line, strlen(line));
}

/* So that who reads the file reads all of it. */
static void write_status_file(const char *words)
{
    const char *path = getenv(ENV_STATUS_FILE);
    struct text draft = TEXT_INIT;
    if (path == NULL) {
        return;
    }
    text_format(&draft, "%s.new", path);
    int fd = open(draft.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0) {
        write_all(fd, words, strlen(words));
        close(fd);
        rename(draft.data, path);
    }
    text_fini(&draft);
}

static int wait_for(pid_t child)
{
    int status = 0;
    char words[32];
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        snprintf(words, sizeof words, "signal %d", WTERMSIG(status));
    } else {
        snprintf(words, sizeof words, "exit %d", WEXITSTATUS(status));
    }
    write_status_file(words);
    tell_launcher(words);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int guard_main(int argc, char **argv)
{
    static const int ignored[] = {
        SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    pid_t parent = getpid();
    if (argc < 2) {
        return 2;
    }
    die_with_parent();
    block_drain_signals();
    if (hosts_rank() != 0) {
        become(argv + 1);
    }
    pid_t child = fork();
    if (child < 0) {
        say("cannot start rank 0: %s", strerror(errno));
        return 3;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(3);
        }
        become(argv + 1);
    }
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    tell_launcher("up");
    return wait_for(child);
}

/* ---- the remote shell ---- */

struct argument_list {
    char **list;
    size_t count, room;
};

static void add(struct argument_list *words, char *word)
{
    words->list =
        mem_grow(words->list, words->count, &words->room, sizeof(char *));
    words->list[words->count++] = word;
}

/* What the remote side says first, to tell a host that was never reached from
 * one that was lost. */
#define STARTED_WORD "hayfork-rsh-began"

/* "a b c" as words; 'text' is changed. */
static void add_words(struct argument_list *words, char *text)
{
    char *word;
    while ((word = strsep(&text, " \t")) != NULL) {
        if (word[0] != '\0') {
            add(words, word);
        }
    }
}

static bool in_path(const char *program)
{
    struct text full = TEXT_INIT;
    const char *folders = getenv("PATH");
    bool found = false;
    while (folders != NULL && *folders != '\0' && !found) {
        size_t length = strcspn(folders, ":");
        text_clear(&full);
        text_add(&full, folders, length);
        text_format(&full, "/%s", program);
        found = length > 0 && access(full.data, X_OK) == 0;
        folders += length + (folders[length] == ':' ? 1 : 0);
    }
    text_fini(&full);
    return found;
}

/* Which line of PBS_NODEFILE names the host first?  -1: none. */
static long pbs_node(const char *host)
{
    char line[1024];
    const char *path = getenv("PBS_NODEFILE");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    long number = 0;
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (strcmp(line, host) == 0) {
            fclose(file);
            return number;
        }
        number++;
    }
    fclose(file);
    return -1;
}

/* All of a remote command as one text, as ssh would join it. */
static char *join(char **argv)
{
    struct text text = TEXT_INIT;
    text_clear(&text);
    for (; *argv != NULL; argv++) {
        text_format(&text, "%s%s", text.length == 0 ? "" : " ", *argv);
    }
    return text.data;
}

/* Open MPI makes our folder for its files on the other hosts, too, and leaves
 * it there, empty; so it does with that of a job script around it. */
static void add_cleaning(struct argument_list *words)
{
    const char *folder = getenv(ENV_MPI_TMP_BASE);
    struct text path = TEXT_INIT, command = TEXT_INIT;
    char *slash;
    if (folder == NULL || strpbrk(folder, " '\"$`\\") != NULL) {
        return;
    }
    text_format(&path, "%s", folder);
    text_clear(&command);
    while ((slash = strrchr(path.data, '/')) != NULL
           && strncmp(slash, "/hayfork.", 9) == 0) {
        text_format(&command,
                    "; test -d %s && rmdir --ignore-fail-on-non-empty %s",
                    path.data,
                    path.data);
        *slash = '\0';
    }
    if (command.length > 0) {
        add(words, command.data);
    }
    text_fini(&path);
}

/* Fills 'words'; true: the command goes through a shell, and says
 * STARTED_WORD first. */
static bool remote_command(struct argument_list *words, char **argv)
{
    static char number[24], echo[] = "echo " STARTED_WORD ";";
    const char *own = getenv(ENV_RSH);
    bool says = true;
    long node;
    if (own != NULL && own[0] != '\0') {
        add_words(words, strdup(own));
    } else if ((node = pbs_node(argv[0])) >= 0 && in_path("pbsdsh")) {
        static char pbsdsh[] = "pbsdsh", option[] = "-n", dashes[] = "--";
        static char sh[] = "/bin/sh", command[] = "-c";
        snprintf(number, sizeof number, "%ld", node);
        char *const fixed[] = {pbsdsh, option, number, dashes, sh, command};
        for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
            add(words, fixed[i]);
        }
        add(words, join(argv + 1));
        add(words, NULL);
        return false;
    } else if (getenv("PE_HOSTFILE") != NULL && in_path("qrsh")) {
        static char qrsh[] = "qrsh -inherit -nostdin -V";
        add_words(words, qrsh);
        says = false;
    } else {
        static char ssh[] = "ssh -x";
        add_words(words, ssh);
    }
    add(words, argv[0]);
    if (says) {
        add(words, echo);
    }
    for (size_t i = 1; argv[i] != NULL; i++) {
        add(words, argv[i]);
    }
    if (says) {
        add_cleaning(words);
    }
    add(words, NULL);
    return says;
}

/* Passes on what the remote command prints; true: it said that it began. */
static bool pass_output(int fd)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    bool began = false;
    FILE *in = fdopen(fd, "r");
    while (in != NULL && (got = getline(&line, &room, in)) >= 0) {
        if (!began && strcmp(line, STARTED_WORD "\n") == 0) {
            began = true;
        } else {
            write_all(STDOUT_FILENO, line, (size_t)got);
        }
    }
    free(line);
    if (in != NULL) {
        fclose(in);
    }
    return began;
}

int rsh_main(int argc, char **argv)
{
    struct argument_list words = {.list = NULL};
    int status = 0;
    int ends[2];
    if (argc < 3) {
        return 0;
    }
    /* ssh to a host that is off hangs for long; mpirun may be killed first. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == 1) {
        return 1;
    }
    bool says = remote_command(&words, argv + 1);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return 1;
    }
    pid_t child = fork();
    if (child < 0) {
        return 1;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        become(words.list);
    }
    close(ends[1]);
    bool began = pass_output(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    bool never = says ? !began && code != 0 : code == 126 || code == 127;
    return never ? code : 0;
}
