/*
 * bd comments, bd comment, bd note: words on an issue. A comment is a row of its own; a note goes below
 * the issue's notes.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/comments.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/related.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"
#include "bd/ui/text.h"

#include <string.h>

/* ---- bd comments ID ---- */

static void print_comments(struct bd *bd, const char *id, const struct comment *comments, size_t n,
                           bool local) {
    if (n == 0) {
        fprintf(bd->out, "No comments on %s\n", id);
        return;
    }
    struct buf b = BUF_INIT;
    buf_addf(&b, "\nComments on %s:\n\n", id);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&b, "[%s] at ", comments[i].author);
        issue_text_minute(&b, comments[i].created_at, local);
        buf_add_char(&b, '\n');
        size_t size = strlen(comments[i].text);
        while (size && comments[i].text[size - 1] == '\n')
            size--;
        text_add_indented(&b, "  ", arena_strndup(&bd->arena, comments[i].text, size));
        buf_add_char(&b, '\n');
    }
    fputs(buf_str(&b), bd->out);
    buf_release(&b);
}

static int run_comments(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct comment *comments = NULL;
    const char *id;
    size_t n = 0;
    route_ids(bd, cmd_args(c), 1);
    int rc = write_read_begin(bd, &x, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "getting comments: %s", err.msg);
    rc = issue_resolve(x, cmd_arg(c, 0), &bd->arena, &id, &err);
    if (rc != BD_OK)
        err_prefix(&err, "resolving %s", cmd_arg(c, 0));
    else
        rc = related_comments(x, id, &bd->arena, &comments, &n, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (!bd->json) {
        print_comments(bd, id, comments, n, cmd_bool(c, "local-time"));
        return 0;
    }
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, false);
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        issue_json_comment(&j, &comments[i]);
    json_array_end(&j);
    bd_json_end(bd, &j, &out);
    return 0;
}

/* ---- adding ---- */

struct work {
    struct bd *bd;
    const char *typed, *text, *author;
    bool guard_templates;
    struct issue issue;
    struct comment comment;
};

static int find_issue(struct work *w, struct tables_txn *x, struct err *err) {
    struct arena *a = &w->bd->arena;
    const char *id;
    int rc = issue_resolve(x, w->typed, a, &id, err);
    if (rc != BD_OK)
        return err_prefix(err, "resolving %s", w->typed);
    rc = issue_load(x, id, a, &w->issue, err);
    const char *refusal = rc == BD_OK && w->guard_templates ? write_refusal(w->bd, &w->issue) : NULL;
    return refusal ? err_set(err, BD_INVALID, "%s", refusal) : rc;
}

static int comment_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = find_issue(w, x, err);
    if (rc != BD_OK)
        return rc;
    w->comment = (struct comment){
        .issue_id = w->issue.id, .author = w->author, .text = w->text, .created_at = ISSUE_NO_TIME};
    rc = comment_add_in(&w->bd->ops, x, &w->comment, &w->bd->arena, err);
    return rc == BD_OK ? rc : err_prefix(err, "adding comment");
}

static void comment_json(struct bd *bd, const struct comment *comment) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    issue_json_comment(&j, comment);
    bd_json_end(bd, &j, &out);
}

static int run_comments_add(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .typed = cmd_arg(c, 0), .author = cmd_str(c, "author")};
    struct err err = ERR_INIT;
    if (*cmd_str(c, "file")) {
        if (text_from(bd, cmd_str(c, "file"), &w.text, &err) != BD_OK)
            return cmd_fail_json_stdout(
                bd, "reading file: %s",
                strncmp(err.msg, "failed to open file: ", 21) == 0 ? err.msg + 21 : err.msg);
    } else if (cmd_arg_count(c) < 2) {
        return cmd_fail_json_stdout(bd, "comment text required (use -f to read from file)");
    } else {
        w.text = cmd_arg(c, 1);
    }
    if (!*text_trim(&bd->arena, w.text))
        return cmd_fail_json_stdout(bd, "comment text cannot be empty");
    if (!*w.author)
        w.author = bd_actor(bd);
    route_ids(bd, &w.typed, 1);
    if (write_run(bd, "add", NULL, 0, comment_in, &w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json)
        comment_json(bd, &w.comment);
    else
        fprintf(bd->out, "Comment added to %s\n", w.issue.id);
    return 0;
}

/* Text of `comment` and `note`: words, standard input, or a file. */
static int take_text(struct bd *bd, const struct cmd_call *c, const char *what, const char **out) {
    struct err err = ERR_INIT;
    if (cmd_bool(c, "stdin")) {
        if (text_from(bd, "-", out, &err) != BD_OK)
            return cmd_fail_json_stdout(bd, "reading from stdin: %s", err.msg);
        size_t n = strlen(*out);
        while (n && (*out)[n - 1] == '\n')
            n--;
        *out = arena_strndup(&bd->arena, *out, n);
    } else if (*cmd_str(c, "file")) {
        if (text_from(bd, cmd_str(c, "file"), out, &err) != BD_OK)
            return cmd_fail_json_stdout(bd, "reading file: %s", err.msg);
    } else if (cmd_arg_count(c) > 1) {
        struct buf b = BUF_INIT;
        text_add_joined(&b, cmd_args(c) + 1, cmd_arg_count(c) - 1, " ");
        *out = arena_strdup(&bd->arena, buf_str(&b));
        buf_release(&b);
    } else {
        return cmd_fail_json_stdout(bd, "no %s text provided (use positional args, --stdin, or --file)",
                                    what);
    }
    return 0;
}

static int run_comment(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .typed = cmd_arg(c, 0), .guard_templates = true};
    struct err err = ERR_INIT;
    int rc = take_text(bd, c, "comment", &w.text);
    if (rc)
        return rc;
    if (!*text_trim(&bd->arena, w.text))
        return cmd_fail_json_stdout(bd, "comment text cannot be empty");
    w.author = bd_actor(bd);
    route_ids(bd, &w.typed, 1);
    if (write_run(bd, "comment", NULL, 0, comment_in, &w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    bd_touch(bd, w.issue.id);
    if (bd->json)
        comment_json(bd, &w.comment);
    write_success(bd, "Comment added to %s", write_feedback(bd, w.issue.id, w.issue.title));
    return 0;
}

static int note_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    struct arena *a = &w->bd->arena;
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    int rc = find_issue(w, x, err);
    if (rc != BD_OK)
        return rc;
    issue_change_text(&changes, "notes",
                      arena_printf(a, "%s%s%s", w->issue.notes, *w->issue.notes ? "\n" : "", w->text));
    rc = issue_update_in(&w->bd->ops, x, w->issue.id, &changes, a, NULL, err);
    if (rc != BD_OK)
        return err_prefix(err, "updating %s", w->typed);
    rc = issue_load(x, w->issue.id, a, &w->issue, err);
    return rc == BD_OK ? issues_hydrate(x, &w->issue, 1, HYDRATE_LABELS, a, err) : rc;
}

static int run_note(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .typed = cmd_arg(c, 0), .guard_templates = true};
    struct err err = ERR_INIT;
    int rc = take_text(bd, c, "note", &w.text);
    if (rc)
        return rc;
    if (!*w.text)
        return cmd_fail_json_stdout(bd, "note text is empty");
    route_ids(bd, &w.typed, 1);
    if (write_run(bd, "note", NULL, 0, note_in, &w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    bd_touch(bd, w.issue.id);
    if (bd->json)
        write_json_issue(bd, &w.issue);
    write_success(bd, "Note added to %s", write_feedback(bd, w.issue.id, w.issue.title));
    return 0;
}

/* ---- the table ---- */

static int run_misplaced_list(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    return cmd_fail_json_stdout(bd, "\"bd comments list\" is not valid.\n\n"
                                    "To list comments on an issue, run:\n  bd comments <issue-id>\n\n"
                                    "Example:\n  bd comments bd-123\n\n"
                                    "See: bd comments --help");
}

static const struct cmd cmd_comments_list = {
    .name = "list",
    .use = "list",
    .summary = "Not a command: 'bd comments <issue-id>' lists comments",
    .args_max = -1,
    .run = run_misplaced_list,
};

static const struct cmd_flag add_flags[] = {
    {.name = "file", .shorthand = 'f', .kind = FLAG_STRING, .help = "Read the text from a file"},
    {.name = "author", .shorthand = 'a', .kind = FLAG_STRING, .help = "Author of the comment"},
    {0},
};
static const struct cmd cmd_comments_add = {
    .name = "add",
    .use = "add [issue-id] [text]",
    .summary = "Add a comment to an issue",
    .args_min = 1,
    .args_max = -1,
    .flags = add_flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "comment add",
    .run = run_comments_add,
};

static const struct cmd_flag comments_flags[] = {
    {.name = "local-time", .kind = FLAG_BOOL, .help = "Show times of the local zone"},
    {0},
};
static const struct cmd *const comments_children[] = {&cmd_comments_list, &cmd_comments_add, NULL};

const struct cmd cmd_comments = {
    .name = "comments",
    .use = "comments [issue-id]",
    .summary = "Show the comments of an issue",
    .examples = "  bd comments bd-123\n  bd comments add bd-123 \"Looks good\"",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = -1,
    .flags = comments_flags,
    .children = comments_children,
    .cls = CMD_READ_ONLY,
    .run = run_comments,
};

static const struct cmd_flag text_flags[] = {
    {.name = "stdin", .kind = FLAG_BOOL, .help = "Read the text from standard input"},
    {.name = "file", .kind = FLAG_STRING, .help = "Read the text from a file"},
    {0},
};
static const char *const text_exclusive[] = {"stdin file", NULL};

const struct cmd cmd_comment = {
    .name = "comment",
    .use = "comment <id> [text...]",
    .summary = "Add a comment to an issue",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = -1,
    .flags = text_flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .exclusive = text_exclusive,
    .run = run_comment,
};

const struct cmd cmd_note = {
    .name = "note",
    .use = "note <id> [text...]",
    .summary = "Append a note to an issue",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = -1,
    .flags = text_flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .exclusive = text_exclusive,
    .run = run_note,
};
