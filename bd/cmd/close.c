/*
 * bd close: everything happens in one transaction: the guards of each issue, closing it, the molecule
 * that is complete with it, and claiming what comes next.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/close.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>

#define TERSE_REASON 20

struct target {
    const char *typed, *reason;
    const char *complaint, *warning; /* complaint NULL: closed */
    struct issue before, after;
    struct issue molecule; /* closed with it; id NULL = none */
};

struct work {
    struct bd *bd;
    struct target *targets;
    size_t count, closed;
    bool force, suggest_next, advance, no_auto, claim_next;
    const char *session;

    struct issue_list unblocked;
    /* --continue */
    const char *molecule_id;
    bool molecule_complete, advanced;
    struct issue next_step; /* id NULL = none */
    /* --claim-next */
    struct issue claimed; /* as it was before */
    const char *claim_warning;
};

/* ---- reasons ---- */

static size_t take_reasons(const struct cmd_call *c, struct arena *a, const char ***out) {
    static const char *const aliases[] = {"resolution", "message", "comment"};
    size_t count, n = 0;
    const char *const *given = cmd_list(c, "reason", &count);
    *out = arena_alloc(a, (count + 1) * sizeof **out);
    for (size_t i = 0; i < count; i++)
        if (*given[i])
            (*out)[n++] = given[i];
    for (size_t i = 0; n == 0 && i < 3; i++)
        if (*cmd_str(c, aliases[i]))
            (*out)[n++] = cmd_str(c, aliases[i]);
    return n;
}

static int check_reason(struct bd *bd, const char *reason) {
    const char *mode = config_get(&bd->config, "validation.on-close");
    const char *trimmed = text_trim(&bd->arena, reason), *problem = NULL;
    if (!mode || (strcmp(mode, "error") != 0 && strcmp(mode, "warn") != 0))
        return 0;
    if (!*trimmed || strcasecmp(trimmed, "closed") == 0)
        problem = "close reason is empty or default; provide a summary of what was done";
    else if (strlen(trimmed) < TERSE_REASON)
        problem = arena_printf(
            &bd->arena,
            "close reason is terse (%zu chars); aim for 20+ characters describing what was done",
            strlen(trimmed));
    if (problem && strcmp(mode, "error") == 0)
        return cmd_fail_json_stdout(bd, "%s", problem);
    if (problem)
        write_complain(bd, "%s %s", ink_text(&bd->arena, bd->color, INK_WARN, "⚠"), problem);
    return 0;
}

static int file_reason(struct bd *bd, const struct cmd_call *c, const char **out) {
    const char *path = cmd_str(c, "reason-file");
    struct err err = ERR_INIT;
    if (text_from(bd, path, out, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "reading reason file %s: %s", cmd_quote(&bd->arena, path),
                                    err.msg);
    if (!*text_trim(&bd->arena, *out))
        return cmd_fail_json_stdout(bd, "--reason-file %s is empty; close reason is required",
                                    cmd_quote(&bd->arena, path));
    return 0;
}

/* Which issues, and the reason of each. */
static int take_targets(struct bd *bd, const struct cmd_call *c, struct work *w) {
    const char *const *ids = cmd_args(c);
    size_t id_count = cmd_arg_count(c);
    const char *last = NULL, **reasons;
    if (id_count == 0) {
        if (!(last = bd_last_touched(bd)))
            return cmd_fail_json_stdout(bd, "no issue ID provided and no last touched issue");
        ids = &last;
        id_count = 1;
    }
    size_t n = take_reasons(c, &bd->arena, &reasons);
    if (cmd_given(c, "reason-file")) {
        if (n)
            return cmd_fail_json_stdout(
                bd, "cannot specify both --reason-file and --reason/--resolution/--message/--comment");
        int rc = file_reason(bd, c, &reasons[n++]);
        if (rc)
            return rc;
    }
    if (n == 0 && strcmp(cmd_called_as(c), "done") == 0 && id_count >= 2)
        reasons[n++] = ids[--id_count];
    if (n == 0)
        reasons[n++] = "Closed";
    if (n > 1 && n != id_count)
        return cmd_fail_json_stdout(
            bd,
            "got %zu close reasons for %zu issue IDs; provide exactly one shared reason or "
            "one reason per issue",
            n, id_count);
    for (size_t i = 0; i < n; i++) {
        int rc = check_reason(bd, reasons[i]);
        if (rc)
            return rc;
    }
    w->count = id_count;
    w->targets = arena_zalloc(&bd->arena, id_count * sizeof *w->targets);
    for (size_t i = 0; i < id_count; i++) {
        w->targets[i].typed = ids[i];
        w->targets[i].reason = reasons[n == 1 ? 0 : i];
    }
    return 0;
}

/* ---- the transaction ---- */

/* What stands against closing, NULL when nothing does. */
static int guard(struct work *w, struct tables_txn *x, struct target *t, const char **refusal,
                 struct err *err) {
    struct arena *a = &w->bd->arena;
    const struct issue *i = &t->before;
    const char **blockers;
    uint64_t open;
    size_t n;
    int rc;
    *refusal = write_refusal(w->bd, i);
    if (*refusal || w->force)
        return BD_OK;
    if (strcmp(i->status, "pinned") == 0) {
        *refusal = arena_printf(a, "cannot modify pinned issue %s (use --force to override)", i->id);
        return BD_OK;
    }
    if (strcmp(i->issue_type, "epic") == 0) {
        if ((rc = close_open_children(x, i->id, &open, err)) != BD_OK)
            return rc;
        if (open) {
            *refusal = arena_printf(a,
                                    "cannot close epic %s: %llu open child issue(s); close children "
                                    "first or use --force to override",
                                    i->id, (unsigned long long)open);
            return BD_OK;
        }
    }
    const char *gate = close_gate_refusal(i, a, &t->warning);
    if (gate) {
        *refusal = arena_printf(a, "cannot close %s: %s", i->id, gate);
        return BD_OK;
    }
    if ((rc = close_blockers(x, i, a, &blockers, &n, err)) != BD_OK)
        return rc;
    if (n) {
        struct buf list = BUF_INIT;
        text_add_list(&list, blockers, n);
        *refusal =
            arena_printf(a, "cannot close %s: blocked by open issues %s (use --force to override)",
                         i->id, buf_str(&list));
        buf_release(&list);
    }
    return BD_OK;
}

/* A molecule whose last step this was closes with it. */
static int close_molecule(struct work *w, struct tables_txn *x, struct target *t, struct err *err) {
    struct molecule_progress p;
    const char *root;
    int rc = molecule_root_of(x, t->before.id, &w->bd->arena, &root, err);
    if (rc != BD_OK || !root || strcmp(root, t->before.id) == 0)
        return rc;
    struct issue i;
    rc = issue_load(x, root, &w->bd->arena, &i, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, &i, 1, HYDRATE_LABELS, &w->bd->arena, err);
    if (rc != BD_OK || strcmp(i.status, "closed") == 0 || !molecule_closes_itself(&i))
        return rc;
    rc = molecule_progress_load(x, root, &w->bd->arena, &p, err);
    if (rc != BD_OK || p.completed < p.count)
        return rc;
    t->molecule = p.root;
    return issue_close_in(&w->bd->ops, x, root, "all steps complete", w->session, err);
}

static int close_one(struct work *w, struct tables_txn *x, struct target *t, struct err *err) {
    struct bd *bd = w->bd;
    int rc = issue_load(x, t->before.id, &bd->arena, &t->before, err);
    if (rc == BD_OK)
        rc = guard(w, x, t, &t->complaint, err);
    if (rc != BD_OK || t->complaint)
        return rc;
    rc = issue_close_in(&bd->ops, x, t->before.id, t->reason, w->session, err);
    if (rc == BD_OK)
        rc = close_molecule(w, x, t, err);
    if (rc == BD_OK)
        rc = issue_load(x, t->before.id, &bd->arena, &t->after, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, &t->after, 1, HYDRATE_LABELS, &bd->arena, err);
    if (rc == BD_OK)
        w->closed++;
    return rc;
}

static int advance(struct work *w, struct tables_txn *x, const char *id, struct err *err) {
    struct bd *bd = w->bd;
    struct molecule_progress p;
    int rc = molecule_root_of(x, id, &bd->arena, &w->molecule_id, err);
    if (rc != BD_OK || !w->molecule_id)
        return rc;
    rc = molecule_progress_load(x, w->molecule_id, &bd->arena, &p, err);
    if (rc != BD_OK)
        return rc;
    w->molecule_complete = p.completed >= p.count;
    for (size_t i = 0; !w->molecule_complete && i < p.count; i++) {
        if (strcmp(p.steps[i].status, "ready") != 0)
            continue;
        w->next_step = *p.steps[i].issue;
        if (!w->no_auto) {
            struct issue_changes changes = ISSUE_CHANGES_INIT;
            issue_change_text(&changes, "status", "in_progress");
            rc = issue_update_in(&bd->ops, x, w->next_step.id, &changes, &bd->arena, NULL, err);
            w->advanced = rc == BD_OK;
        }
        break;
    }
    return rc;
}

static int claim_next(struct work *w, struct tables_txn *x, struct err *err) {
    struct bd *bd = w->bd;
    struct ready_filter f;
    struct issue_list ready = {NULL, 0, 0};
    ready_filter_init(&f);
    f.status = "open";
    f.limit = 1;
    ready_order_parse("priority", &f.order);
    int rc = ready_list(x, &f, &bd->arena, &ready, err);
    if (rc != BD_OK || ready.count == 0)
        return rc;
    rc = issue_claim_in(&bd->ops, x, ready.items[0].id, &bd->arena, NULL, err);
    if (rc == BD_CONFLICT) {
        w->claim_warning =
            arena_printf(&bd->arena, "could not claim next issue %s: %s", ready.items[0].id, err->msg);
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK)
        w->claimed = ready.items[0];
    return rc;
}

static int close_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    struct bd *bd = w->bd;
    w->closed = 0;
    w->claimed.id = w->next_step.id = w->molecule_id = w->claim_warning = NULL;
    for (size_t i = 0; i < w->count; i++) { /* all ids first: one that is unknown ends the command */
        struct target *t = &w->targets[i];
        *t = (struct target){.typed = t->typed, .reason = t->reason};
        int rc = issue_resolve(x, t->typed, &bd->arena, &t->before.id, err);
        if (rc != BD_OK)
            return err_prefix(err, "resolving ID %s", t->typed);
    }
    for (size_t i = 0; i < w->count; i++) {
        int rc = close_one(w, x, &w->targets[i], err);
        if (rc != BD_OK)
            return err_prefix(err, "closing %s", w->targets[i].before.id);
    }
    if (w->closed == 0)
        return err_set(err, BD_CANCELLED, "no issue was closed");
    const char *first = w->targets[0].before.id;
    int rc = BD_OK;
    if (w->suggest_next)
        rc = close_unblocked(x, first, &bd->arena, &w->unblocked, err);
    if (rc == BD_OK && w->unblocked.count)
        rc = issues_hydrate(x, w->unblocked.items, w->unblocked.count, HYDRATE_LABELS, &bd->arena, err);
    if (rc == BD_OK && w->advance)
        rc = advance(w, x, first, err);
    if (rc == BD_OK && w->claim_next && !w->advance)
        rc = claim_next(w, x, err);
    return rc;
}

/* ---- answers ---- */

static void json_list(struct json_writer *w, const char *key, const struct issue_list *l) {
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < l->count; i++)
        issue_json(w, &l->items[i]);
    json_array_end(w);
}

static void json_continue(struct json_writer *j, const struct work *w) {
    json_key(j, "continue");
    json_object(j);
    json_key(j, "closed_step");
    issue_json(j, &w->targets[0].after);
    if (w->next_step.id) {
        json_key(j, "next_step");
        issue_json(j, &w->next_step);
    }
    json_member_bool(j, "auto_advanced", w->advanced);
    json_member_bool(j, "molecule_complete", w->molecule_complete);
    json_member_str_opt(j, "molecule_id", w->molecule_id);
    json_object_end(j);
}

static void answer_json(struct bd *bd, const struct work *w, const struct issue_list *closed) {
    bool object = w->unblocked.count || (w->advance && w->molecule_id) || w->claimed.id;
    if (!object) {
        write_json_issues(bd, closed);
        return;
    }
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_list(&j, "closed", closed);
    if (w->unblocked.count)
        json_list(&j, "unblocked", &w->unblocked);
    if (w->advance && w->molecule_id)
        json_continue(&j, w);
    if (w->claimed.id) {
        json_key(&j, "claimed");
        issue_json(&j, &w->claimed);
    }
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
}

static void print_continue(struct bd *bd, const struct work *w) {
    if (!w->molecule_id)
        return;
    if (w->molecule_complete) {
        fputc('\n', bd->out);
        write_success(bd, "Molecule %s complete! All steps closed.", w->molecule_id);
        fprintf(bd->out, "Consider: bd mol squash %s --summary '...'\n", w->molecule_id);
    } else if (!w->next_step.id) {
        fprintf(bd->out, "\nNo ready steps in molecule (may be blocked).\n");
    } else {
        fprintf(bd->out, "\nNext ready in molecule:\n  %s: %s\n", w->next_step.id, w->next_step.title);
        if (w->advanced)
            fprintf(bd->out, "\n%s Marked in_progress (use --no-auto to skip)\n",
                    ink_text(&bd->arena, bd->color, INK_WARN, "→"));
        else
            fprintf(bd->out, "\nStart with: bd update %s --claim\n", w->next_step.id);
    }
}

static void print_next(struct bd *bd, const struct work *w) {
    if (w->unblocked.count) {
        fprintf(bd->out, "\nNewly unblocked:\n");
        for (size_t i = 0; i < w->unblocked.count; i++)
            fprintf(bd->out, "  • %s (P%lld)\n",
                    write_feedback(bd, w->unblocked.items[i].id, w->unblocked.items[i].title),
                    (long long)w->unblocked.items[i].priority);
    }
    if (w->advance)
        print_continue(bd, w);
    if (!w->claim_next || w->advance)
        return;
    if (w->claimed.id)
        write_success(bd, "Auto-claimed next ready issue: %s (P%lld)",
                      write_feedback(bd, w->claimed.id, w->claimed.title),
                      (long long)w->claimed.priority);
    else if (!w->claim_warning)
        fprintf(bd->out, "\n%s No ready issues available to claim.\n",
                ink_text(&bd->arena, bd->color, INK_WARN, "✨"));
}

static int report(struct bd *bd, const struct work *w) {
    struct issue_list closed = {NULL, 0, 0};
    for (size_t i = 0; i < w->count; i++) {
        const struct target *t = &w->targets[i];
        if (t->warning)
            cmd_warn(bd, "could not evaluate gate condition: %s", t->warning);
        if (t->complaint) {
            write_complain(bd, "%s", t->complaint);
            continue;
        }
        write_audit(bd, t->before.id, "status", t->before.status, "closed", t->reason);
        *issue_list_add(&closed, &bd->arena) = t->after;
        write_success(bd, "Closed %s: %s", write_feedback(bd, t->before.id, t->before.title),
                      t->reason);
        if (t->molecule.id)
            write_success(bd, "Auto-closed completed molecule %s",
                          write_feedback(bd, t->molecule.id, t->molecule.title));
    }
    if (w->claim_warning)
        cmd_warn(bd, "%s", w->claim_warning);
    bd_touch(bd, w->claimed.id ? w->claimed.id : w->advanced ? w->next_step.id : NULL);
    if (closed.count == 0)
        return 1;
    if (bd->json)
        answer_json(bd, w, &closed);
    else
        print_next(bd, w);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    struct err err = ERR_INIT;
    int rc = take_targets(bd, c, &w);
    if (rc)
        return rc;
    w.force = cmd_bool(c, "force");
    w.suggest_next = cmd_bool(c, "suggest-next");
    w.advance = cmd_bool(c, "continue");
    w.no_auto = cmd_bool(c, "no-auto");
    w.claim_next = cmd_bool(c, "claim-next");
    w.session = *cmd_str(c, "session") ? cmd_str(c, "session") : getenv("CLAUDE_SESSION_ID");
    if (w.advance && w.count > 1)
        return cmd_fail_json_stdout(bd, "--continue only works when closing a single issue");
    if (w.suggest_next && w.count > 1)
        return cmd_fail_json_stdout(bd, "--suggest-next only works when closing a single issue");
    const char **typed = arena_alloc(&bd->arena, w.count * sizeof *typed);
    for (size_t i = 0; i < w.count; i++)
        typed[i] = w.targets[i].typed;
    route_ids(bd, typed, w.count);
    int code = write_run(bd, "close", NULL, 0, close_all, &w, &err);
    if (code != BD_OK && code != BD_CANCELLED)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    return report(bd, &w);
}

static const struct cmd_flag flags[] = {
    {.name = "reason",
     .shorthand = 'r',
     .kind = FLAG_ARRAY,
     .value_name = "string",
     .help = "Why; once for all, or once per issue in their order"},
    {.name = "resolution", .kind = FLAG_STRING, .help = "Same as --reason", .hidden = true},
    {.name = "message",
     .shorthand = 'm',
     .kind = FLAG_STRING,
     .help = "Same as --reason",
     .hidden = true},
    {.name = "comment", .kind = FLAG_STRING, .help = "Same as --reason", .hidden = true},
    {.name = "reason-file",
     .kind = FLAG_STRING,
     .help = "Read the reason from a file (- for standard input)"},
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Close in spite of pins, gates, blockers, children"},
    {.name = "continue", .kind = FLAG_BOOL, .help = "Go on to the next step of the molecule"},
    {.name = "no-auto",
     .kind = FLAG_BOOL,
     .help = "With --continue: show the next step, do not start it"},
    {.name = "suggest-next", .kind = FLAG_BOOL, .help = "Show what closing it unblocked"},
    {.name = "claim-next", .kind = FLAG_BOOL, .help = "Claim the next ready issue"},
    {.name = "session",
     .kind = FLAG_STRING,
     .help = "Session that closes it (default CLAUDE_SESSION_ID)"},
    {0},
};
static const char *const aliases[] = {"done", NULL};

const struct cmd cmd_close = {
    .name = "close",
    .aliases = aliases,
    .use = "close [id...]",
    .summary = "Close one or more issues",
    .details = "Closes the issues named, or the one touched last when none is named. Called as 'bd "
               "done', the last "
               "argument is the reason when no reason is given otherwise.",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run,
};
