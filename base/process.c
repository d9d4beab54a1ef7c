/* Running another program. Its signals are the default ones, whatever this process ignores. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { READ_END, WRITE_END };

static void close_pair(int pair[2]) {
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    pair[0] = pair[1] = -1;
}

static void in_child(const struct process *p, int input, int output, int error, int status) {
    int null = open("/dev/null", O_RDWR);
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &plain, NULL);
    sigaction(SIGINT, &plain, NULL);
    sigaction(SIGTERM, &plain, NULL);
    sigaction(SIGHUP, &plain, NULL);
    if (!p->inherit_input)
        dup2(input >= 0 ? input : null, STDIN_FILENO);
    if (!p->inherit_output)
        dup2(output >= 0 ? output : null, STDOUT_FILENO);
    if (!p->inherit_error)
        dup2(error >= 0 ? error : null, STDERR_FILENO);
    for (const char *const *e = p->environment; e && *e; e++)
        if (strchr(*e, '='))
            putenv((char *)(uintptr_t)*e);
        else
            unsetenv(*e);
    if (!p->directory || chdir(p->directory) == 0)
        execvp(p->argv[0], (char *const *)p->argv);
    int reason = errno;
    if (write(status, &reason, sizeof reason) < 0)
        _exit(126);
    _exit(127);
}

static int64_t clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Moves bytes between the pipes and the buffers until all pipes are closed. False when the time is
 * over. */
static bool exchange(const struct process *p, int *input, int *output, int *error) {
    int64_t end = p->timeout_ms ? clock_ms() + p->timeout_ms : 0;
    size_t written = 0;
    while (*input >= 0 || *output >= 0 || *error >= 0) {
        struct pollfd fds[3] = {{*output, POLLIN, 0}, {*error, POLLIN, 0}, {*input, POLLOUT, 0}};
        int64_t left = end ? end - clock_ms() : -1;
        if (end && left <= 0)
            return false;
        if (poll(fds, 3, end ? (int)left : -1) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        int *readers[2] = {output, error};
        struct buf *sinks[2] = {p->output, p->error};
        for (int i = 0; i < 2; i++) {
            if (*readers[i] < 0 || !fds[i].revents)
                continue;
            char chunk[4096];
            ssize_t n = read(*readers[i], chunk, sizeof chunk);
            if (n > 0) {
                buf_add(sinks[i], chunk, (size_t)n);
            } else if (n == 0 || errno != EINTR) {
                close(*readers[i]);
                *readers[i] = -1;
            }
        }
        if (*input >= 0 && fds[2].revents) {
            ssize_t n = write(*input, p->input + written, p->input_size - written);
            if (n > 0)
                written += (size_t)n;
            if ((n < 0 && errno != EINTR) || written == p->input_size) {
                close(*input);
                *input = -1;
            }
        }
    }
    return true;
}

int process_run(const struct process *p) {
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, status[2] = {-1, -1};
    if (pipe2(status, O_CLOEXEC) || (p->input && pipe2(in, O_CLOEXEC)) ||
        (p->output && pipe2(out, O_CLOEXEC)) || (p->error && pipe2(err, O_CLOEXEC))) {
        int e = errno;
        close_pair(status), close_pair(in), close_pair(out), close_pair(err);
        errno = e;
        return -1;
    }
    pid_t child = fork();
    if (child == 0)
        in_child(p, in[READ_END], out[WRITE_END], err[WRITE_END], status[WRITE_END]);
    int fork_errno = errno;
    close(status[WRITE_END]);
    status[WRITE_END] = -1;
    if (in[READ_END] >= 0)
        close(in[READ_END]);
    if (out[WRITE_END] >= 0)
        close(out[WRITE_END]);
    if (err[WRITE_END] >= 0)
        close(err[WRITE_END]);
    in[READ_END] = out[WRITE_END] = err[WRITE_END] = -1;
    int reason = 0;
    bool failed = child < 0 || read(status[READ_END], &reason, sizeof reason) == (ssize_t)sizeof reason;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    bool in_time = failed || exchange(p, &in[WRITE_END], &out[READ_END], &err[READ_END]);
    sigaction(SIGPIPE, &before, NULL);
    close_pair(status), close_pair(in), close_pair(out), close_pair(err);
    if (child < 0) {
        errno = fork_errno;
        return -1;
    }
    if (!in_time)
        kill(child, SIGKILL);
    int state = 0;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return -1;
    if (failed) {
        errno = reason;
        return -1;
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}
