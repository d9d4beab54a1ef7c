/*
 * bd codex-hook: what Codex calls at turns of a session (bd setup codex). After its context was
 * compacted, the next prompt gets the text of bd prime again; a file in the user's cache remembers that
 * until then.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/prime.h"

#include "base/json_value.h"
#include "base/os.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 20)

static void answer(struct bd *bd, const char *event, const char *context) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, JSON_COMPACT);
    json_object(&w);
    json_member_bool(&w, "continue", true);
    json_key(&w, "hookSpecificOutput");
    json_object(&w);
    json_member_str(&w, "hookEventName", event);
    json_member_str(&w, "additionalContext", context);
    json_object_end(&w);
    json_object_end(&w);
    json_end(&w);
    fprintf(bd->out, "%s\n", buf_str(&out));
    buf_release(&out);
}

static void send_prime(struct bd *bd, const char *event) {
    struct buf text = BUF_INIT;
    prime_text(bd, (struct prime_options){.part = PRIME_ALL}, &text);
    if (text.size)
        answer(bd, event, buf_str(&text));
    buf_release(&text);
}

/* One mark for each session in each folder. */
static const char *mark_path(struct bd *bd, const struct json_value *input) {
    const char *session = json_value_get_text(input, "session_id"),
               *cwd = json_value_get_text(input, "cwd");
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *base = xdg && *xdg ? arena_printf(&bd->arena, "%s/beads/codex-hooks", xdg)
                       : home      ? arena_printf(&bd->arena, "%s/.cache/beads/codex-hooks", home)
                                   : "/tmp/beads-codex-hooks";
    unsigned char h[SHA256_DIGEST_LENGTH];
    char name[2 * SHA256_DIGEST_LENGTH + 1];
    SHA256_CTX sha;
    session = session && *session ? session : "unknown-session";
    cwd = cwd && *cwd ? cwd : "unknown-workspace";
    size_t n = strlen(cwd);
    while (n > 1 && cwd[n - 1] == '/')
        n--;
    SHA256_Init(&sha);
    SHA256_Update(&sha, session, strlen(session) + 1);
    SHA256_Update(&sha, cwd, n);
    SHA256_Final(h, &sha);
    for (size_t i = 0; i < sizeof h; i++)
        snprintf(name + 2 * i, 3, "%02x", h[i]);
    if (os_mkdir_p(base, 0700) && errno != EEXIST)
        return NULL;
    return arena_printf(&bd->arena, "%s/%s.refresh", base, name);
}

static const char *read_input(struct bd *bd) {
    struct buf in = BUF_INIT;
    char piece[4096];
    ssize_t n;
    while (in.size < INPUT_MAX && (n = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        buf_add(&in, piece, (size_t)n);
    const char *text = arena_strdup(&bd->arena, buf_str(&in));
    buf_release(&in);
    return text;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *event = cmd_arg(c, 0), *text = read_input(bd);
    struct err err = ERR_INIT;
    const struct json_value *input = NULL;
    if (text[strspn(text, " \t\r\n")] &&
        !(input = json_value_parse(text, strlen(text), &bd->arena, &err)))
        return cmd_fail(bd, "the input is not JSON: %s", err.msg);
    const char *named = json_value_get_text(input, "hook_event_name");
    if (named && *named)
        event = named;
    if (strcmp(event, "SessionStart") == 0) {
        send_prime(bd, event);
    } else if (strcmp(event, "PreCompact") == 0) {
        struct buf memories = BUF_INIT; /* is all well? nothing is said when it is */
        prime_text(bd, (struct prime_options){.part = PRIME_MEMORIES}, &memories);
        buf_release(&memories);
    } else if (strcmp(event, "PostCompact") == 0) {
        const char *mark = mark_path(bd, input);
        if (mark)
            (void)os_write_file_atomic(mark, "1\n", 2, 0600); /* without it the text comes later */
    } else if (strcmp(event, "UserPromptSubmit") == 0) {
        const char *mark = mark_path(bd, input);
        if (mark && os_exists(mark)) {
            send_prime(bd, event);
            os_unlink(mark);
        }
    } else {
        return cmd_fail(bd, "unsupported Codex hook event %s", cmd_quote(&bd->arena, event));
    }
    return 0;
}

const struct cmd cmd_codex_hook = {
    .name = "codex-hook",
    .use = "codex-hook <event>",
    .summary = "Answer a hook of Codex (installed by bd setup codex)",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_NO_STORE | CMD_READ_ONLY | CMD_HIDDEN,
    .run = run,
};
