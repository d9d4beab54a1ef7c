/*
 * Issue hooks. A script gets the id and the event as arguments and the issue as JSON on standard input.
 * It runs beside us in a process group of its own; a small watcher process kills that group after ten
 * seconds and goes away, so that nothing is left behind. What a script prints or returns is of no
 * interest.
 */
#include "bd/cmd/issue_hooks.h"

#include "base/os.h"
#include "bd/ui/issue_json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOOK_SECONDS 10

static bool is_script(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* The text as an open file at its start, already removed from its directory; -1 when that fails. */
static int as_input(const struct buf *text) {
    const char *dir = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/bd-hook-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    unlink(path);
    if (os_pwrite_all(fd, text->data, text->size, 0) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static volatile pid_t script; /* in the watcher */

static void on_alarm(int signal_number) {
    (void)signal_number;
    kill(-script, SIGKILL);
}

/* In the watcher: starts the script, waits, kills its group when the time is over. */
static void watch(const char *path, const char *id, const char *event, int input) {
    int null = open("/dev/null", O_RDWR);
    setsid();
    dup2(null, STDOUT_FILENO); /* whoever waits for our output must not wait for the script */
    dup2(null, STDERR_FILENO);
    dup2(input, STDIN_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    script = fork();
    if (script == 0) {
        setpgid(0, 0);
        execl(path, path, id, event, (char *)NULL);
        _exit(127);
    }
    if (script > 0) {
        setpgid(script, script);
        signal(SIGALRM, on_alarm);
        alarm(HOOK_SECONDS);
        while (waitpid(script, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    _exit(0);
}

static void tell(void *ctx, const struct issue *i, const char *event) {
    struct bd *bd = ctx;
    const char *path = arena_printf(&bd->arena, "%s/hooks/on_%s", bd->ws.beads_dir, event);
    if (!is_script(path))
        return;
    struct buf text = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &text, JSON_COMPACT);
    issue_json(&w, i);
    json_end(&w);
    fflush(bd->out);
    fflush(bd->err);
    int input = as_input(&text);
    pid_t middle =
        input < 0 ? -1 : fork(); /* its end hands the watcher over: nobody has to wait for it */
    if (middle == 0) {
        if (fork() == 0)
            watch(path, i->id, event, input);
        _exit(0);
    }
    if (middle > 0)
        waitpid(middle, NULL, 0);
    if (input >= 0)
        close(input);
    buf_release(&text);
}

void issue_hooks_attach(struct bd *bd) {
    static const char *const events[] = {"create", "update", "close"};
    const char *off = getenv("BD_NO_HOOKS");
    if (bd->ops.changed || !bd->ws.beads_dir || (off && strcmp(off, "1") == 0) ||
        config_bool(&bd->config, "no-hooks"))
        return;
    if (!os_is_dir(arena_printf(&bd->arena, "%s/hooks", bd->ws.beads_dir)))
        return;
    for (size_t i = 0; i < 3; i++)
        if (is_script(arena_printf(&bd->arena, "%s/hooks/on_%s", bd->ws.beads_dir, events[i]))) {
            bd->ops.changed = tell;
            bd->ops.changed_ctx = bd;
            return;
        }
}
