/*
 * The pager is a child that reads our text from a pipe; we wait for it, and a pager that cannot be
 * started or goes away early is no failure of ours.
 */
#include "bd/ui/pager.h"

#include "base/os.h"
#include "bd/ui/terminal.h"
#include "bd/ui/text.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static size_t line_count(const char *text, size_t size) {
    size_t n = 0;
    for (const char *p = text; (p = memchr(p, '\n', size - (size_t)(p - text))); p++)
        n++;
    return n;
}

static const char *pager_command(void) {
    static const char *const names[] = {"BD_PAGER", "PAGER"};
    for (int i = 0; i < 2; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return v;
    }
    return "less";
}

static bool wanted(const char *text, size_t size, bool no_pager) {
    const char *off = getenv("BD_NO_PAGER");
    size_t columns, lines;
    if (no_pager || (off && *off) || !text_terminal_size(STDOUT_FILENO, &columns, &lines))
        return false;
    return lines == 0 || line_count(text, size) + 1 > lines - 1;
}

/* Starts the pager with its standard input on *pipe_out; 0 when that is not possible. */
static pid_t start(int *pipe_out) {
    int ends[2];
    pid_t pid = 0;
    if (pipe(ends) != 0)
        return 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    if (!getenv("LESS"))
        setenv("LESS", "-RFX", 1);
    char *argv[] = {"sh", "-c", NULL, NULL};
    char *command = mem_strdup(pager_command());
    argv[2] = command;
    if (posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ) != 0)
        pid = 0;
    free(command);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (!pid)
        close(ends[1]);
    *pipe_out = ends[1];
    return pid;
}

void pager_print(FILE *out, const char *text, size_t size, bool no_pager) {
    int fd = -1, status;
    pid_t pid = 0;
    if (wanted(text, size, no_pager)) {
        fflush(out);
        pid = start(&fd);
    }
    if (!pid) {
        fwrite(text, 1, size, out);
        return;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    struct terminal_filter filter = TERMINAL_FILTER_INIT;
    struct buf shown = BUF_INIT;
    terminal_filter_add(&filter, text, size, &shown);
    sigaction(SIGPIPE, &ignore, &old);
    (void)os_write_all(fd, shown.data, shown.size); /* a pager that was left reads no more */
    close(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGPIPE, &old, NULL);
    buf_release(&shown);
}
