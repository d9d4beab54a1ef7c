/*
 * bd ready: what can be worked on now, why, and taking the first of it; bd blocked: what cannot.
 */
#include "bd/cmd/route.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/ready.h"

#include "bd/ops/blocked_list.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ops/stats.h"
#include "bd/ops/update.h"
#include "bd/ops/validate.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>

enum { JSON_PARTS = HYDRATE_DEPENDENCIES | HYDRATE_METADATA | HYDRATE_COUNTS };

static int take_flags(struct bd *bd, const struct cmd_call *c, struct ready_filter *f) {
    const char *mol_type = view_text(c, "mol-type"), *type = view_text(c, "type");
    int64_t limit = cmd_int(c, "limit");
    ready_filter_init(f);
    if (mol_type && !mol_type_is_valid(mol_type))
        return cmd_fail(bd, "invalid mol-type \"%s\" (must be swarm, patrol, or work)", mol_type);
    f->limit = limit > 0 ? (uint64_t)limit : 0;
    f->issue_type = type ? type_normalize(type) : NULL;
    f->labels = view_labels(bd, c, "label");
    f->exclude_labels = view_labels(bd, c, "exclude-label");
    view_types(bd, c, "exclude-type", &f->exclude_types);
    f->assignee = view_text(c, "assignee");
    f->unassigned = cmd_bool(c, "unassigned");
    f->parent = view_text(c, "parent");
    f->include_deferred = cmd_bool(c, "include-deferred");
    f->include_ephemeral = cmd_bool(c, "include-ephemeral");
    if (cmd_given(c, "priority"))
        f->priority = cmd_int(c, "priority");
    int status = view_metadata(bd, c, false, &f->metadata, &f->metadata_count, &f->has_metadata_key);
    if (!status && !ready_order_parse(cmd_str(c, "sort"), &f->order))
        status = cmd_fail(bd, "invalid sort policy '%s'. Valid values: hybrid, priority, oldest",
                          cmd_str(c, "sort"));
    return status;
}

/* ---- --claim ---- */

struct claim {
    struct bd *bd;
    const struct ready_filter *filter;
    const char *id; /* the issue taken, or NULL */
};

/* Tries the ready issues in order until one can be taken. */
static int claim_first(struct tables_txn *x, void *ctx, struct err *err) {
    struct claim *c = ctx;
    struct arena *a = &c->bd->arena;
    struct issue_list l = {NULL, 0, 0};
    c->id = NULL;
    int rc = ready_list(x, c->filter, a, &l, err);
    for (size_t i = 0; i < l.count && rc == BD_OK && !c->id; i++) {
        rc = issue_claim_in(&c->bd->ops, x, l.items[i].id, a, NULL, err);
        if (rc == BD_OK)
            c->id = l.items[i].id;
        else if (rc == BD_CONFLICT)
            rc = BD_OK;
    }
    return rc;
}

static int claim(struct bd *bd, struct ready_filter *f) {
    struct claim c = {bd, f, NULL};
    struct err err = ERR_INIT;
    struct issue_list l = {NULL, 0, 0};
    struct tables_txn *x = NULL;
    if (bd->read_only)
        return cmd_fail(bd, "operation 'ready --claim' is not allowed in read-only mode");
    f->unassigned = true;
    f->limit = 0;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (ops_write(&bd->ops, bd_auto_commit_message(bd, "ready", NULL, 0), 0, claim_first, &c, &err) !=
        BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (!c.id) {
        if (bd->json)
            view_json_issues_with_counts(bd, &l);
        else
            fprintf(bd->out, "\n%s No ready work to claim\n\n",
                    ink_text(&bd->arena, bd->color, INK_WARN, "○"));
        return 0;
    }
    bd_touch(bd, c.id);
    status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = issue_load_many(x, &c.id, 1, &bd->arena, &l, &err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, l.items, l.count, JSON_PARTS | HYDRATE_LABELS, &bd->arena, &err);
    tables_read_end(x);
    if (rc != BD_OK || !l.count)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json)
        view_json_issues_with_counts(bd, &l);
    else
        fprintf(bd->out, "%s Claimed issue: %s\n", ink_text(&bd->arena, bd->color, INK_PASS, "✓"),
                issue_text_feedback(&bd->arena, c.id, l.items[0].title,
                                    config_int(&bd->config, "output.title-length", 255)));
    return 0;
}

/* ---- the list ---- */

/* How many ready issues beyond those that are shown are counted; what is above is told as "more than".
 */
enum { HIDDEN_COUNT_MAX = 100 };

static const char *total_text(struct bd *bd, size_t shown, uint64_t total) {
    uint64_t most = shown + HIDDEN_COUNT_MAX;
    return arena_printf(&bd->arena, "%llu%s", (unsigned long long)(total > most ? most : total),
                        total > most ? "+" : "");
}

static const char legend[] = "Status: ○ open  ◐ in_progress  ● blocked  ✓ closed  ❄ deferred\n";

/* Titles of those parents that are epics (map id → title). */
static int epic_titles(struct bd *bd, struct tables_txn *x, struct issue_list *l, struct strmap *titles,
                       struct err *err) {
    struct id_set parents = ID_SET_INIT;
    struct issue_list found = {NULL, 0, 0};
    int rc = issues_hydrate(x, l->items, l->count, HYDRATE_PARENT, &bd->arena, err);
    for (size_t i = 0; i < l->count; i++)
        id_set_add(&parents, l->items[i].parent);
    if (rc == BD_OK)
        rc = issue_load_many(x, id_set_items(&parents, &bd->arena), id_set_count(&parents), &bd->arena,
                             &found, err);
    for (size_t i = 0; i < found.count; i++)
        if (strcmp(found.items[i].issue_type, "epic") == 0)
            strmap_put(titles, found.items[i].id, arena_strdup(&bd->arena, found.items[i].title));
    id_set_release(&parents);
    return rc;
}

static void print_pretty(struct bd *bd, struct buf *out, const struct issue_list *l,
                         const struct strmap *epics) {
    for (size_t i = 0; i < l->count; i++) {
        const char *epic = l->items[i].parent ? strmap_get(epics, l->items[i].parent) : NULL;
        issue_text_pretty(out, bd->color, &l->items[i]);
        if (epic) {
            buf_add_char(out, ' ');
            ink_add(out, bd->color, INK_MUTED, arena_printf(&bd->arena, "← %s", epic));
        }
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    for (int i = 0; i < 80; i++)
        buf_add_char(out, '-');
    buf_addf(out, "\nReady: %zu issues with no active blockers\n\n%s", l->count, legend);
}

static void print_plain(struct bd *bd, struct buf *out, const struct issue_list *l) {
    buf_add_char(out, '\n');
    ink_add(out, bd->color, INK_ACCENT, "📋");
    buf_addf(out, " Ready work (%zu issues with no active blockers):\n\n", l->count);
    for (size_t i = 0; i < l->count; i++) {
        const struct issue *n = &l->items[i];
        buf_addf(out, "%zu. [", i + 1);
        issue_text_priority(out, bd->color, n->priority);
        buf_add_str(out, "] [");
        ink_add(out, bd->color, ink_of_type(n->issue_type), n->issue_type);
        buf_addf(out, "] %s: %s\n", n->id, n->title);
        if (n->estimated_minutes != ISSUE_NO_INT)
            buf_addf(out, "   Estimate: %lld min\n", (long long)n->estimated_minutes);
        if (n->assignee && *n->assignee)
            buf_addf(out, "   Assignee: %s\n", n->assignee);
    }
    buf_add_char(out, '\n');
}

static int print_nothing(struct bd *bd, struct tables_txn *x) {
    struct statistics s = {0};
    struct err err = ERR_INIT;
    if (stats_overview(x, &s, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    bool open = s.open > 0 || s.in_progress > 0;
    fprintf(bd->out, "\n%s %s\n\n", ink_text(&bd->arena, bd->color, open ? INK_WARN : INK_PASS, "✨"),
            open ? "No ready work found (all issues have blocking dependencies)" : "No open issues");
    return 0;
}

static int print_list(struct bd *bd, struct tables_txn *x, const struct cmd_call *c,
                      struct issue_list *l, uint64_t total) {
    struct err err = ERR_INIT;
    struct strmap epics = STRMAP_INIT;
    struct buf out = BUF_INIT;
    if (!l->count)
        return print_nothing(bd, x);
    if (cmd_bool(c, "plain") || !cmd_bool(c, "pretty")) {
        print_plain(bd, &out, l);
    } else {
        if (epic_titles(bd, x, l, &epics, &err) != BD_OK)
            return cmd_fail(bd, "%s", err.msg);
        print_pretty(bd, &out, l, &epics);
        strmap_release(&epics);
    }
    if (total > l->count) {
        ink_add(&out, bd->color, INK_MUTED,
                arena_printf(&bd->arena, "Showing %zu of %s ready issues. Use -n to show more.",
                             l->count, total_text(bd, l->count, total)));
        buf_add_str(&out, "\n\n");
    }
    view_print(bd, &out);
    return 0;
}

static int list(struct bd *bd, struct tables_txn *x, const struct cmd_call *c,
                const struct ready_filter *f) {
    struct err err = ERR_INIT;
    struct issue_list l = {NULL, 0, 0};
    uint64_t total = 0;
    int rc = ready_list(x, f, &bd->arena, &l, &err);
    if (rc == BD_OK && f->limit && l.count == f->limit)
        rc = ready_count(x, f, l.count + HIDDEN_COUNT_MAX, &bd->arena, &total, &err);
    if (rc == BD_OK && bd->json)
        rc = issues_hydrate(x, l.items, l.count, JSON_PARTS, &bd->arena, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (!bd->json)
        return print_list(bd, x, c, &l, total);
    view_json_issues_with_counts(bd, &l);
    fflush(bd->out);
    if (total > l.count)
        fprintf(
            bd->err,
            "Showing %zu of %s ready issues. Use --limit 0 for all, or --limit N to raise the cap.\n",
            l.count, total_text(bd, l.count, total));
    return 0;
}

/* ---- the command ---- */

static int run(struct bd *bd, const struct cmd_call *c) {
    static const char *const no_claim_with[] = {"gated", "mol", "explain"};
    struct ready_filter f;
    struct tables_txn *x = NULL;
    bool claims = cmd_bool(c, "claim");
    for (size_t i = 0; i < sizeof no_claim_with / sizeof *no_claim_with; i++)
        if (claims && cmd_given(c, no_claim_with[i]))
            return cmd_fail_json_stdout(bd, "--claim cannot be combined with --%s", no_claim_with[i]);
    int status = 0;
    if (claims && view_text(c, "assignee"))
        return cmd_fail_json_stdout(bd, "--claim cannot be combined with --assignee");
    bool other = cmd_bool(c, "gated") || view_text(c, "mol") || cmd_bool(c, "explain");
    if (!other)
        status = take_flags(bd, c, &f);
    if (status)
        return status;
    if (claims)
        return claim(bd, &f);
    route_read(bd);
    status = view_begin(bd, &x);
    if (status)
        return status;
    if (cmd_bool(c, "gated"))
        status = ready_gated(bd, x);
    else if (view_text(c, "mol"))
        status = ready_molecule(bd, x, cmd_str(c, "mol"));
    else
        status = other ? ready_explain(bd, x) : list(bd, x, c, &f);
    tables_read_end(x);
    return status;
}

static const struct cmd_flag flags[] = {
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "100",
     .help = "Show at most this many, 0 = all"},
    {.name = "priority", .shorthand = 'p', .kind = FLAG_INT, .help = "Only this priority"},
    {.name = "assignee",
     .shorthand = 'a',
     .kind = FLAG_STRING,
     .help = "Only issues assigned to this person"},
    {.name = "unassigned",
     .shorthand = 'u',
     .kind = FLAG_BOOL,
     .help = "Only issues assigned to nobody"},
    {.name = "sort",
     .shorthand = 's',
     .kind = FLAG_STRING,
     .default_text = "priority",
     .help = "Order: priority, oldest, or hybrid (new ones by priority, then the oldest)"},
    {.name = "label",
     .shorthand = 'l',
     .kind = FLAG_STRINGS,
     .help = "Only issues with all of these labels"},
    {.name = "label-any", .kind = FLAG_STRINGS, .help = "Accepted for compatibility, without effect"},
    {.name = "exclude-label",
     .kind = FLAG_STRINGS,
     .help = "Leave out issues with any of these labels"},
    {.name = "type", .shorthand = 't', .kind = FLAG_STRING, .help = "Only this type"},
    {.name = "mol", .kind = FLAG_STRING, .help = "Only steps of this molecule"},
    {.name = "parent", .kind = FLAG_STRING, .help = "Only issues below this one"},
    {.name = "mol-type", .kind = FLAG_STRING, .help = "Molecule type (swarm, patrol, work)"},
    {.name = "pretty", .kind = FLAG_BOOL, .default_text = "true", .help = "Lines with symbols"},
    {.name = "plain", .kind = FLAG_BOOL, .help = "A numbered list"},
    {.name = "include-deferred", .kind = FLAG_BOOL, .help = "Issues put off to later too"},
    {.name = "include-ephemeral", .kind = FLAG_BOOL, .help = "Ephemeral issues (wisps) too"},
    {.name = "gated", .kind = FLAG_BOOL, .help = "Molecules whose gate has opened"},
    {.name = "exclude-type", .kind = FLAG_STRINGS, .help = "Leave out these types"},
    {.name = "explain",
     .kind = FLAG_BOOL,
     .help = "Tell for every issue why it is ready or what blocks it"},
    {.name = "claim",
     .kind = FLAG_BOOL,
     .help = "Take the first ready issue: assign it to you and start it"},
    {.name = "metadata-field",
     .kind = FLAG_ARRAY,
     .help = "Only issues with this metadata (key=value)"},
    {.name = "has-metadata-key", .kind = FLAG_STRING, .help = "Only issues with this metadata key"},
    {0},
};

const struct cmd cmd_ready = {
    .name = "ready",
    .use = "ready [flags]",
    .summary = "Show work that nothing blocks",
    .details = "Show open issues that no active issue blocks, that are not put off to later and whose "
               "parents are not "
               "either. With --claim the first of them becomes yours in the same step, so that two "
               "workers never take "
               "the same one.",
    .examples = "  bd ready\n  bd ready --claim --json\n  bd ready --parent bd-a1 --type bug\n  bd "
                "ready --explain",
    .group = NULL,
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};
