/* bd delete: issues go for good. Without --force, and with --dry-run, it only tells what would go. */
#include "base/os.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/delete.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/resolve.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_FILE_MAX ((size_t)64 << 20)

struct work {
    struct bd *bd;
    const char **typed;
    size_t count, capacity;
    struct issue *issues; /* as found, one for each typed */
    const char **ids;
    struct buf missing;
    bool cascade;
    struct issue_deletion plan;
    uint64_t marked;
};

static void add_typed(struct work *w, const char *id) {
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->typed[i], id) == 0)
            return;
    MEM_GROW(w->typed, w->capacity, w->count + 1);
    w->typed[w->count++] = id;
}

/* One id per line; blank lines and lines that start with # say nothing. */
static int read_ids(struct work *w, const char *path) {
    char *text;
    size_t size;
    if (os_read_file(path, ID_FILE_MAX, &text, &size) != 0)
        return cmd_fail(w->bd, "reading file: open %s: %s", path, strerror(errno));
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const char *id = text_trim(&w->bd->arena, line);
        if (*id && *id != '#')
            add_typed(w, arena_strdup(&w->bd->arena, id));
    }
    free(text);
    return 0;
}

/* Fills ids and issues; what is unknown is listed in `missing`. */
static int find_all(struct work *w, struct tables_txn *x, struct err *err) {
    struct arena *a = &w->bd->arena;
    buf_clear(&w->missing);
    for (size_t i = 0; i < w->count; i++) {
        int rc = issue_resolve(x, w->typed[i], a, &w->ids[i], err);
        if (rc == BD_OK)
            rc = issue_load(x, w->ids[i], a, &w->issues[i], err);
        if (rc == BD_NOT_FOUND) {
            err_clear(err);
            buf_addf(&w->missing, "%s%s", w->missing.size ? ", " : "", w->typed[i]);
        } else if (rc != BD_OK) {
            return err_prefix(err, "getting issue %s", w->typed[i]);
        }
    }
    return w->missing.size ? err_set(err, BD_NOT_FOUND, "issues not found: %s", buf_str(&w->missing))
                           : BD_OK;
}

static int plan(struct work *w, struct tables_txn *x, struct err *err) {
    int rc = find_all(w, x, err);
    return rc == BD_OK
               ? issue_deletion_plan(x, w->ids, w->count, w->cascade, &w->bd->arena, &w->plan, err)
               : rc;
}

/* ---- preview ---- */

static bool names_any(const struct issue *i, const char *id) {
    return issue_text_names(i->description, id) || issue_text_names(i->notes, id) ||
           issue_text_names(i->design, id) || issue_text_names(i->acceptance_criteria, id);
}

static int preview_links(struct work *w, struct tables_txn *x, struct err *err) {
    struct bd *bd = w->bd;
    const char *id = w->ids[0];
    struct dependency_list from, to;
    struct issue_list near = {NULL, 0, 0};
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, &bd->arena, &from, err);
    if (rc == BD_OK)
        rc = dependency_load(x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, &bd->arena, &to, err);
    if (rc != BD_OK || from.count + to.count == 0)
        return rc;
    const char **ids = arena_alloc(&bd->arena, (from.count + to.count) * sizeof *ids);
    size_t n = 0;
    fprintf(bd->out, "\nDependency links to remove: %zu\n", from.count + to.count);
    for (size_t i = 0; i < from.count; i++) {
        ids[n++] = from.items[i].depends_on_id;
        fprintf(bd->out, "  %s → %s (%s)\n", id, from.items[i].depends_on_id, from.items[i].type);
    }
    for (size_t i = 0; i < to.count; i++) {
        ids[n++] = to.items[i].issue_id;
        fprintf(bd->out, "  %s → %s (inbound)\n", to.items[i].issue_id, id);
    }
    rc = issue_load_many(x, ids, n, &bd->arena, &near, err);
    if (rc != BD_OK || near.count == 0)
        return rc;
    n = 0;
    fputs("\nConnected issues where text references will be updated:\n", bd->out);
    for (size_t i = 0; i < near.count; i++) {
        if (!names_any(&near.items[i], id))
            continue;
        fprintf(bd->out, "  %s: %s\n", near.items[i].id, near.items[i].title);
        n++;
    }
    if (!n)
        fputs("  (none have text references)\n", bd->out);
    return BD_OK;
}

static void preview_end(struct work *w, bool dry_run) {
    struct bd *bd = w->bd;
    struct buf command = BUF_INIT;
    if (dry_run) {
        fputs("\n(Dry-run mode - no changes made)\n", bd->out);
        return;
    }
    buf_add_str(&command, "bd delete ");
    text_add_joined(&command, w->ids, w->count, " ");
    buf_addf(&command, "%s --force", w->cascade ? " --cascade" : "");
    fprintf(bd->out, "\n%s\n",
            ink_text(&bd->arena, bd->color, INK_WARN, "This operation cannot be undone!"));
    fprintf(bd->out, "To proceed%s, run: %s\n", w->cascade ? " with cascade deletion" : "",
            ink_text(&bd->arena, bd->color, INK_WARN, buf_str(&command)));
    buf_release(&command);
}

static int preview_one(struct work *w, struct tables_txn *x, bool dry_run, struct err *err) {
    struct bd *bd = w->bd;
    fprintf(bd->out, "\nIssue to delete:\n  %s: %s\n", w->ids[0], w->issues[0].title);
    int rc = preview_links(w, x, err);
    if (rc == BD_OK) {
        preview_end(w, dry_run);
        fputc('\n', bd->out);
    }
    return rc;
}

/* Exit status. */
static int preview_many(struct work *w, bool dry_run) {
    struct bd *bd = w->bd;
    const struct issue_deletion *d = &w->plan;
    fprintf(bd->out, "\nIssues to delete (%zu):\n", w->count);
    for (size_t i = 0; i < w->count; i++)
        fprintf(bd->out, "  %s: %s\n", w->ids[i], w->issues[i].title);
    if (w->cascade)
        fprintf(bd->out, "\n%s Cascade mode enabled - will also delete all dependent issues\n",
                ink_text(&bd->arena, bd->color, INK_WARN, "⚠"));
    if (d->with_orphans && !w->cascade) {
        const char *why =
            arena_printf(&bd->arena,
                         "issue %s has dependents not in deletion set; use --cascade to delete them or "
                         "--force to orphan them",
                         d->with_orphans);
        fprintf(bd->out, "\n%s\n", ink_text(&bd->arena, bd->color, INK_FAIL, why));
        return 1;
    }
    fprintf(bd->out, "\nWould delete: %zu issues\n", d->count);
    fprintf(bd->out, "Would remove: %llu dependencies, %llu labels, %llu events\n",
            (unsigned long long)d->dependencies, (unsigned long long)d->labels,
            (unsigned long long)d->events);
    preview_end(w, dry_run);
    return 0;
}

static int preview(struct work *w, bool single, bool dry_run) {
    struct bd *bd = w->bd;
    struct tables_txn *x;
    struct err err = ERR_INIT;
    int status = 0;
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        rc = plan(w, x, &err);
        if (rc == BD_OK) {
            fprintf(bd->out, "\n%s\n",
                    ink_text(&bd->arena, bd->color, INK_FAIL, "⚠️  DELETE PREVIEW"));
            if (single)
                rc = preview_one(w, x, dry_run, &err);
            else
                status = preview_many(w, dry_run);
        }
        tables_read_end(x);
    }
    if (rc == BD_NOT_FOUND && single)
        return cmd_fail(bd, "issue %s not found", w->typed[0]);
    return rc == BD_OK ? status : cmd_fail(bd, "%s", err.msg);
}

/* ---- deletion ---- */

static int delete_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = plan(w, x, err);
    return rc == BD_OK ? issue_delete_in(&w->bd->ops, x, &w->plan, &w->marked, err) : rc;
}

static int delete_one(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = delete_all(x, w, err);
    if (rc == BD_OK)
        tables_set_message(x, arena_printf(&w->bd->arena, "bd: delete %s", w->ids[0]));
    return rc;
}

static void json_strings(struct json_writer *j, const char *key, const char *const *items,
                         size_t count) {
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < count; i++)
        json_str(j, items[i]);
    json_array_end(j);
}

static void answer_json(struct work *w, bool single) {
    struct bd *bd = w->bd;
    struct json_writer j;
    struct buf out = BUF_INIT;
    const struct issue_deletion *d = &w->plan;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    if (single) {
        json_member_str(&j, "deleted", w->ids[0]);
    } else {
        json_strings(&j, "deleted", w->ids, w->count);
        json_member_int(&j, "deleted_count", (int64_t)d->count);
        json_member_int(&j, "labels_removed", (int64_t)d->labels);
        json_member_int(&j, "events_removed", (int64_t)d->events);
        if (w->cascade)
            json_member_str(&j, "orphaned_issues", NULL);
        else
            json_strings(&j, "orphaned_issues", d->orphans, d->orphan_count);
    }
    json_member_int(&j, "dependencies_removed", (int64_t)d->dependencies);
    json_member_int(&j, "references_updated", (int64_t)w->marked);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
}

static void answer(struct work *w, bool single) {
    struct bd *bd = w->bd;
    const struct issue_deletion *d = &w->plan;
    if (bd->json) {
        answer_json(w, single);
        return;
    }
    if (single)
        write_success(bd, "Deleted %s", w->ids[0]);
    else
        write_success(bd, "Deleted %zu issue(s)", d->count);
    fprintf(bd->out, "  Removed %llu dependency link(s)\n", (unsigned long long)d->dependencies);
    if (!single)
        fprintf(bd->out, "  Removed %llu label(s)\n  Removed %llu event(s)\n",
                (unsigned long long)d->labels, (unsigned long long)d->events);
    fprintf(bd->out, "  Updated text references in %llu issue(s)\n", (unsigned long long)w->marked);
    if (single || w->cascade || !d->orphan_count)
        return;
    struct buf orphans = BUF_INIT;
    text_add_joined(&orphans, d->orphans, d->orphan_count, ", ");
    fprintf(bd->out, "  %s Orphaned %zu issue(s): %s\n", ink_text(&bd->arena, bd->color, INK_WARN, "⚠"),
            d->orphan_count, buf_str(&orphans));
    buf_release(&orphans);
}

static int delete_typed(struct work *w, bool single) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    int rc = single ? write_run(bd, NULL, "bd: delete", OPS_TRANSACTION, delete_one, w, &err)
                    : write_run(bd, "delete", NULL, 0, delete_all, w, &err);
    if (rc == BD_NOT_FOUND && single)
        return cmd_fail(bd, "issue %s not found", w->typed[0]);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s%s", single ? "deleting issue: " : "", err.msg);
    answer(w, single);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .cascade = cmd_bool(c, "cascade")};
    const char *file = cmd_str(c, "from-file");
    bool dry_run = cmd_bool(c, "dry-run");
    int status = 0;
    for (size_t i = 0; i < cmd_arg_count(c); i++)
        add_typed(&w, cmd_arg(c, i));
    if (*file)
        status = read_ids(&w, file);
    if (status == 0 && w.count == 0)
        status = cmd_fail_usage(bd, c, "no issue IDs provided");
    if (status == 0) {
        bool single = w.count == 1 && !w.cascade;
        w.ids = arena_alloc(&bd->arena, w.count * sizeof *w.ids);
        w.issues = arena_alloc(&bd->arena, w.count * sizeof *w.issues);
        route_ids(bd, w.typed, w.count);
        status =
            dry_run || !cmd_bool(c, "force") ? preview(&w, single, dry_run) : delete_typed(&w, single);
    }
    buf_release(&w.missing);
    free(w.typed);
    return status;
}

static const struct cmd_flag flags[] = {
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Delete; without it, only tell what would go"},
    {.name = "from-file", .kind = FLAG_STRING, .help = "A file of ids, one per line"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would go, even with --force"},
    {.name = "cascade", .kind = FLAG_BOOL, .help = "Delete all issues that depend on them, too"},
    {0},
};

const struct cmd cmd_delete = {
    .name = "delete",
    .use = "delete <issue-id> [issue-id...]",
    .summary = "Delete issues and the references to them",
    .details =
        "Deletes issues with their labels, comments, events and dependencies. Issues next to them that "
        "name\n"
        "one in their texts say [deleted:ID] there. Without --force it shows what would happen.\n\n"
        "Several issues are not deleted while others depend on them: --cascade deletes those as well,\n"
        "--force leaves them without the dependency.",
    .examples = "  bd delete bd-1\n  bd delete bd-1 bd-2 --force\n  bd delete --from-file ids.txt "
                "--cascade --dry-run",
    .group = "Working With Issues",
    .args_min = 0,
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES,
    .run = run,
};
