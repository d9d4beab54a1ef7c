/* bd create --file: all issues of a markdown file in one transaction. */
#include "bd/cmd/create.h"

#include "bd/cmd/issue_flags.h"
#include "bd/cmd/write.h"
#include "base/os.h"
#include "bd/ops/create.h"
#include "bd/ops/markdown_import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MARKDOWN_MAX ((size_t)64 << 20)

/* The path without "." and empty parts; ".." parts that lead nowhere stay and are refused. */
static int check_path(struct bd *bd, const char *path, const char **out) {
    struct buf clean = BUF_INIT;
    const char *parts[256];
    size_t sizes[256], n = 0;
    for (const char *s = path; *s;) {
        size_t size = strcspn(s, "/");
        bool up = size == 2 && s[0] == '.' && s[1] == '.';
        if (up && n && !(sizes[n - 1] == 2 && strncmp(parts[n - 1], "..", 2) == 0))
            n--;
        else if (size && !(size == 1 && *s == '.') && !(up && *path == '/') && n < 256)
            parts[n] = s, sizes[n++] = size;
        s += size;
        s += *s == '/';
    }
    for (size_t i = 0; i < n; i++) {
        if (i || *path == '/')
            buf_add_char(&clean, '/');
        buf_add(&clean, parts[i], sizes[i]);
    }
    *out = arena_strdup(&bd->arena, buf_str(&clean));
    buf_release(&clean);
    const char *slash = strrchr(*out, '/'), *dot = strrchr(slash ? slash : *out, '.');
    if (strstr(*out, ".."))
        return cmd_fail(bd,
                        "parsing markdown file: invalid file path: directory traversal not allowed");
    if (!dot || (strcasecmp(dot, ".md") != 0 && strcasecmp(dot, ".markdown") != 0))
        return cmd_fail(
            bd, "parsing markdown file: invalid file type: only .md and .markdown files are supported");
    if (os_is_dir(*out))
        return cmd_fail(bd, "parsing markdown file: path is a directory, not a file");
    return 0;
}

struct work {
    struct bd *bd;
    const struct markdown_issues *parsed;
    struct issue_list done;
};

static int create_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    struct arena *a = &w->bd->arena;
    size_t n = w->parsed->issues.count;
    struct issue **list = arena_alloc(a, n * sizeof *list);
    w->done = (struct issue_list){NULL, 0, 0};
    w->done.items = arena_dup(a, w->parsed->issues.items, n * sizeof *w->done.items);
    w->done.count = w->done.capacity = n;
    for (size_t i = 0; i < n; i++) {
        struct issue *k = &w->done.items[i];
        list[i] = k;
        if (k->dependency_row_count)
            k->dependencies =
                arena_dup(a, k->dependencies, k->dependency_row_count * sizeof *k->dependencies);
    }
    return issues_create_in(&w->bd->ops, x, list, n, NULL, a, err);
}

int create_from_markdown(struct bd *bd, const char *path) {
    struct err err = ERR_INIT;
    struct markdown_issues parsed;
    const char *clean;
    char *text;
    size_t size;
    int rc = check_path(bd, path, &clean);
    if (rc)
        return rc;
    if (os_read_file(clean, MARKDOWN_MAX, &text, &size) != 0)
        return cmd_fail(bd, "parsing markdown file: cannot access file: stat %s: %s", clean,
                        errno == ENOENT ? "no such file or directory" : strerror(errno));
    int code = markdown_parse(text, &bd->arena, &parsed, &err);
    free(text);
    for (size_t i = 0; i < parsed.warning_count; i++)
        cmd_warn(bd, "%s", parsed.warnings[i]);
    if (code != BD_OK)
        return cmd_fail(bd, "parsing markdown file: %s", err.msg);
    struct work w = {.bd = bd, .parsed = &parsed};
    const char *message =
        arena_printf(&bd->arena, "bd: create %zu issue(s) from %s", parsed.issues.count, path);
    if (write_run(bd, NULL, message, OPS_COMMIT_ALWAYS, create_in, &w, &err) != BD_OK)
        return cmd_fail(bd, "creating issues from markdown: %s", err.msg);
    if (bd->json) {
        write_json_issues(bd, &w.done);
        return 0;
    }
    write_success(bd, "Created %zu issues from %s:", w.done.count, path);
    for (size_t i = 0; i < w.done.count; i++)
        fprintf(bd->out, "  %s: %s [P%lld, %s]\n", w.done.items[i].id, w.done.items[i].title,
                (long long)w.done.items[i].priority, w.done.items[i].issue_type);
    return 0;
}
