/*
 * bd list: filters from flags, the query, and the choice of how to print.
 */
#include "bd/cmd/route.h"
#include "bd/cmd/list.h"

#include "bd/cmd/commands.h"
#include "bd/cmd/watch.h"
#include "bd/ops/db_config.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* What `bd list` without flags means, but for the limit. */
static void list_options_init(struct list_options *o) {
    memset(o, 0, sizeof *o);
    issue_filter_init(&o->filter);
    o->limit = view_agent_mode() ? 20 : 50;
    o->tree = true;
}

/* Excludes what lists hide unless asked for: closed and pinned statuses, templates, gates, infra types.
 */
static int list_hide(struct bd *bd, struct tables_txn *x, struct list_options *o, bool statuses,
                     bool pinned, bool templates, bool gates, struct err *err) {
    struct arena *a = &bd->arena;
    struct issue_filter *f = &o->filter;
    struct text_list infra;
    int rc = db_config_infra_types(&bd->ops, x, a, &infra, err);
    if (rc != BD_OK)
        return rc;
    if (statuses) {
        struct custom_statuses custom;
        rc = db_config_statuses(&bd->ops, x, a, &custom, err);
        if (rc != BD_OK)
            return rc;
        text_list_add(&f->exclude_statuses, a, "closed");
        text_list_add(&f->exclude_statuses, a, "pinned");
        for (size_t i = 0; i < custom.count; i++)
            if (strcmp(custom.items[i].category, "done") == 0 ||
                strcmp(custom.items[i].category, "frozen") == 0)
                text_list_add(&f->exclude_statuses, a, custom.items[i].name);
    }
    if (pinned)
        f->pinned = FILTER_NO;
    if (templates)
        f->is_template = FILTER_NO;
    if (gates && !(f->issue_type && strcmp(f->issue_type, "gate") == 0))
        text_list_add(&f->exclude_types, a, "gate");
    o->infra_type = f->issue_type && text_list_has(&infra, f->issue_type);
    for (size_t i = 0; i < infra.count && !o->include_infra && !o->infra_type; i++)
        text_list_add(&f->exclude_types, a, infra.items[i]);
    if (o->infra_type)
        f->ephemeral = FILTER_YES;
    return BD_OK;
}

/* ---- the query ---- */

/* Ready work instead of a search; other filters have no meaning there. */
static void ready_from(const struct list_options *o, struct ready_filter *r) {
    const struct issue_filter *f = &o->filter;
    ready_filter_init(r);
    r->order = ORDER_HYBRID;
    r->limit = f->limit;
    r->labels = f->labels;
    r->exclude_labels = f->exclude_labels;
    r->parent = f->parent;
    r->exclude_types = f->exclude_types;
    r->metadata = f->metadata;
    r->metadata_count = f->metadata_count;
    r->has_metadata_key = f->has_metadata_key;
    r->issue_type = f->issue_type;
    r->priority = f->priority;
    r->assignee = f->assignee;
    r->unassigned = f->no_assignee;
    r->include_ephemeral = f->ephemeral == FILTER_YES;
}

static int load(struct bd *bd, struct tables_txn *x, struct list_options *o, struct issue_list *l,
                struct err *err) {
    struct arena *a = &bd->arena;
    if (o->ready) {
        struct ready_filter r;
        ready_from(o, &r);
        int rc = ready_list(x, &r, a, l, err);
        unsigned what = HYDRATE_DEPENDENCIES | HYDRATE_METADATA | HYDRATE_COUNTS;
        return rc == BD_OK && o->json ? issues_hydrate(x, l->items, l->count, what, a, err) : rc;
    }
    if (o->json)
        return search_issues_with_counts(x, &o->filter, a, l, err);
    o->filter.skip_wisps = !o->include_infra && !o->infra_type;
    o->filter.skip_labels = o->skip_labels || (o->tree && !o->format) || o->format;
    return search_issues(x, &o->filter, a, l, err);
}

/* Sorts and cuts; true when something was cut. */
static bool arrange(const struct list_options *o, struct issue_list *l) {
    if (o->sort)
        search_sort(l, o->sort, o->reverse);
    if (o->limit <= 0 || l->count <= (size_t)o->limit)
        return false;
    l->count = (size_t)o->limit;
    return true;
}

static void hint(struct bd *bd, const struct list_options *o, bool truncated) {
    if (!truncated)
        return;
    struct buf b = BUF_INIT;
    struct buf text = BUF_INIT;
    buf_addf(&text,
             "\nShowing %lld issues; more results matched but were hidden by --limit. Use --limit 0 "
             "for all, or "
             "--limit N to raise the cap.\n",
             (long long)o->limit);
    ink_add(&b, bd->color, INK_WARN, buf_str(&text));
    fflush(bd->out);
    fputs(buf_str(&b), bd->err);
    buf_release(&b);
    buf_release(&text);
}

static int load_rows(struct bd *bd, struct tables_txn *x, const struct issue_list *l,
                     struct dependency_list *rows, struct err *err) {
    const char **ids = arena_alloc(&bd->arena, (l->count + 1) * sizeof *ids);
    for (size_t i = 0; i < l->count; i++)
        ids[i] = l->items[i].id;
    return dependency_load(x, DEPENDENCY_BY_SOURCE, ids, l->count, DEPENDENCY_BOTH, &bd->arena, rows,
                           err);
}

/* The issues of one generation below those in `level` that pass the filter, added to `all`. */
static int next_generation(struct bd *bd, struct tables_txn *x, const struct issue_filter *base,
                           const struct id_set *level, struct id_set *seen, struct id_set *next,
                           struct issue_list *all, struct err *err) {
    struct arena *a = &bd->arena;
    struct issue_filter f = *base;
    struct issue_list found = {NULL, 0, 0};
    const struct pred *below = NULL;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&level->map, e));) {
        for (int wisps = 0; wisps < (f.skip_wisps ? 1 : 2); wisps++) {
            const struct pred *p = NULL;
            int rc = filter_children_of(x, &issue_families[wisps], e->key, a, &p, err);
            if (rc != BD_OK)
                return rc;
            if (p->cell_count)
                below = pred_or(a, below, p);
        }
    }
    if (!below)
        return BD_OK;
    f.parent = NULL;
    f.limit = 0;
    f.more = below;
    int rc = search_issues(x, &f, a, &found, err);
    for (size_t i = 0; i < found.count && rc == BD_OK; i++) {
        if (id_set_has(seen, found.items[i].id))
            continue;
        id_set_add(seen, found.items[i].id);
        id_set_add(next, found.items[i].id);
        *issue_list_add(all, a) = found.items[i];
    }
    return rc;
}

/* A parent with everything below it that passes the filter, as a tree. */
static int show_below(struct bd *bd, struct tables_txn *x, struct list_options *o, struct buf *out) {
    struct err err = ERR_INIT;
    struct arena *a = &bd->arena;
    struct issue parent;
    struct issue_list all = {NULL, 0, 0};
    struct id_set seen = ID_SET_INIT, level = ID_SET_INIT;
    struct dependency_list rows = {NULL, 0};
    const char *id = o->filter.parent;
    o->filter.skip_wisps = !o->include_infra && !o->infra_type;
    o->filter.skip_labels = true;
    int rc = issue_load(x, id, a, &parent, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail(bd, "error checking parent issue: not found: issue %s", id);
    id_set_add(&level, id);
    while (rc == BD_OK && id_set_count(&level)) {
        struct id_set next = ID_SET_INIT;
        rc = next_generation(bd, x, &o->filter, &level, &seen, &next, &all, &err);
        id_set_release(&level);
        level = next;
    }
    if (rc == BD_OK && !all.count) {
        buf_addf(out, "Issue '%s' has no children\n", id);
    } else if (rc == BD_OK) {
        if (!id_set_has(&seen, id))
            *issue_list_add(&all, a) = parent;
        rc = load_rows(bd, x, &all, &rows, &err);
        list_print_tree(bd, out, &all, rows.items, rows.count);
        if (o->skip_labels && !bd->quiet)
            buf_add_str(out, "\nnote: --skip-labels in effect — labels suppressed in output.\n");
    }
    id_set_release(&seen);
    id_set_release(&level);
    return rc == BD_OK ? 0 : cmd_fail(bd, "error finding descendants: %s", err.msg);
}

/* The tree form into a buffer; exit status. */
static int show_tree(struct bd *bd, struct tables_txn *x, struct list_options *o, struct buf *out,
                     bool *truncated) {
    struct err err = ERR_INIT;
    struct issue_list l = {NULL, 0, 0};
    struct dependency_list rows = {NULL, 0};
    if (o->filter.parent && !o->ready)
        return show_below(bd, x, o, out);
    int rc = load(bd, x, o, &l, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    *truncated = arrange(o, &l);
    if (load_rows(bd, x, &l, &rows, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    list_print_tree(bd, out, &l, rows.items, rows.count);
    return 0;
}

/* ---- --watch ---- */

static void watch_header(struct buf *out) {
    char clock[16];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(clock, sizeof clock, "%H:%M:%S", &local);
    for (int edge = 0; edge < 2; edge++) {
        for (int i = 0; i < 80; i++)
            buf_add_char(out, '=');
        buf_add_char(out, '\n');
        if (edge == 0)
            buf_addf(out, "Beads - Open & In Progress (%s)\n", clock);
    }
    buf_add_char(out, '\n');
}

struct watched {
    struct list_options *o;
    struct issue_filter filter; /* as asked for: a look adds to it */
    bool truncated;
};

static int watch_tree(struct bd *bd, struct tables_txn *x, void *ctx, struct buf *out) {
    struct watched *w = ctx;
    w->o->filter = w->filter;
    w->truncated = false;
    return show_tree(bd, x, w->o, out, &w->truncated);
}

static void watch_print(struct bd *bd, void *ctx, const struct buf *tree) {
    struct watched *w = ctx;
    struct buf screen = BUF_INIT;
    fflush(bd->out);
    fputs("\033[2J\033[H", stdout);
    fflush(stdout);
    watch_header(&screen);
    buf_add(&screen, buf_str(tree), tree->size);
    view_print(bd, &screen);
    hint(bd, w->o, w->truncated);
}

static int watch(struct bd *bd, struct list_options *o) {
    struct watched w = {o, o->filter, false};
    return watch_run(bd, &(struct watch){watch_tree, watch_print, &w});
}

/* Runs the query and prints. Exit status. */
static int list_run(struct bd *bd, struct tables_txn *x, struct list_options *o) {
    struct err err = ERR_INIT;
    struct issue_list l = {NULL, 0, 0};
    bool truncated = false;
    int status = 0;
    struct tables_order lead;
    if (o->sort && !o->ready && search_sort_lead(o->sort, o->reverse, &lead))
        o->filter.lead = &lead;
    o->filter.limit = o->limit > 0 && (!o->sort || o->filter.lead) ? (uint64_t)o->limit + 1 : 0;
    if (o->watch)
        return watch(bd, o);
    if (o->tree && !o->json && !o->format) {
        struct buf out = BUF_INIT;
        status = show_tree(bd, x, o, &out, &truncated);
        if (!status && o->skip_labels && !bd->quiet && !o->filter.parent)
            buf_add_str(&out, "\nnote: --skip-labels in effect — labels suppressed in output.\n");
        view_print(bd, &out);
        hint(bd, o, !status && truncated);
        return status;
    }
    if (load(bd, x, o, &l, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    truncated = arrange(o, &l);
    if (o->json)
        list_print_json(bd, o, &l);
    else
        status = o->format ? list_print_format(bd, x, o, &l) : list_print_flat(bd, x, o, &l);
    hint(bd, o, !status && truncated);
    return status;
}

/* ---- flags ---- */

static int check_positionals(struct bd *bd, const struct cmd_call *c) {
    static const char *const words[] = {"ready", "tree",   "flat",   "all",    "long",
                                        "watch", "pretty", "pinned", "overdue"};
    for (size_t i = 0; i < cmd_arg_count(c); i++)
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (strcmp(cmd_arg(c, i), words[k]) == 0)
                return cmd_fail_usage(bd, c,
                                      "unknown argument \"%s\"; did you mean \"--%s\" or 'bd %s'?",
                                      words[k], words[k], words[k]);
    if (cmd_arg_count(c))
        return cmd_fail_usage(
            bd, c,
            "bd list does not accept positional arguments; use flags instead (see bd list --help)");
    return 0;
}

/* --skip-labels contradicts every filter on labels. */
static int check_skip_labels(struct bd *bd, const struct cmd_call *c) {
    static const char *const filters[] = {"label",       "label-any",     "label-pattern",
                                          "label-regex", "exclude-label", "no-labels"};
    struct buf given = BUF_INIT;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (cmd_given(c, filters[i]))
            buf_addf(&given, " --%s", filters[i]);
    int status = 0;
    if (cmd_bool(c, "skip-labels") && given.size) {
        fprintf(bd->err,
                "error: --skip-labels cannot be combined with --label,\n"
                "       --label-any, --label-pattern, --label-regex,\n"
                "       --exclude-label, or --no-labels (the filter).\n"
                "       (got: --skip-labels%s)\n"
                "reason: --skip-labels suppresses the labels JOIN that those\n"
                "        filters depend on.\n\n"
                "To filter by labels: drop --skip-labels.\n"
                "To get a label-free result fast: drop --label flags.\n",
                buf_str(&given));
        status = 2;
    }
    buf_release(&given);
    return status;
}

static const char *names_of(struct bd *bd, const char *first, const char *const *names, size_t count) {
    struct buf b = BUF_INIT;
    buf_add_str(&b, first);
    for (size_t i = 0; i < count; i++)
        buf_addf(&b, ", %s", names[i]);
    const char *text = arena_strdup(&bd->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

/* --status: one, a comma list, or "all". */
static int take_status(struct bd *bd, struct tables_txn *x, const char *text, struct list_options *o) {
    struct err err = ERR_INIT;
    struct custom_statuses custom;
    struct arena *a = &bd->arena;
    if (!text || strcmp(text, "all") == 0)
        return 0;
    if (db_config_statuses(&bd->ops, x, a, &custom, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    bool many = strchr(text, ',') != NULL;
    for (const char *p = text;;) {
        size_t size = strcspn(p, ",");
        const char *status = text_trim(a, arena_strndup(a, p, size));
        if (!status_is_valid(status, &custom)) {
            const char **names = arena_alloc(a, (custom.count + 1) * sizeof *names);
            for (size_t i = 0; i < custom.count; i++)
                names[i] = custom.items[i].name;
            return cmd_fail(bd, "invalid status \"%s\"%s (valid: %s)", many ? status : text,
                            many ? " in multi-status filter" : "",
                            names_of(bd, "open, in_progress, blocked, deferred, closed, pinned, hooked",
                                     names, custom.count));
        }
        text_list_add(&o->filter.statuses, a, status);
        if (!p[size])
            return 0;
        p += size + 1;
    }
}

static int take_type(struct bd *bd, struct tables_txn *x, const struct cmd_call *c,
                     struct list_options *o) {
    struct err err = ERR_INIT;
    struct text_list custom;
    const char *type = view_text(c, "type");
    if (!type)
        return 0;
    o->filter.issue_type = type_normalize(type);
    if (db_config_types(&bd->ops, x, &bd->arena, &custom, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (type_is_valid(o->filter.issue_type, &custom))
        return 0;
    return cmd_fail(
        bd, "invalid issue type \"%s\" (valid: %s)", o->filter.issue_type,
        names_of(bd, "bug, feature, task, epic, chore, decision", custom.items, custom.count));
}

static int take_kinds(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    f->mol_type = view_text(c, "mol-type");
    f->wisp_type = view_text(c, "wisp-type");
    if (f->mol_type && !mol_type_is_valid(f->mol_type))
        return cmd_fail(bd, "invalid mol-type \"%s\" (must be swarm, patrol, or work)", f->mol_type);
    if (f->wisp_type && !wisp_type_is_valid(f->wisp_type))
        return cmd_fail(
            bd,
            "invalid wisp-type \"%s\" (must be heartbeat, ping, patrol, gc_report, recovery, error, or "
            "escalation)",
            f->wisp_type);
    return 0;
}

static void take_texts(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    view_filter(bd, c, f);
    f->exclude_labels = view_labels(bd, c, "exclude-label");
    if (!f->labels.count && !f->labels_any.count && !cmd_bool(c, "skip-labels"))
        f->labels_any = view_directory_labels(bd);
    f->spec_prefix = view_text(c, "spec");
    f->deferred = cmd_bool(c, "deferred");
    f->overdue = cmd_bool(c, "overdue");
    f->no_parent = cmd_bool(c, "no-parent");
    f->parent = view_text(c, "parent");
    if (!f->parent)
        f->parent = view_text(c, "filter-parent");
}

static void take_output(struct bd *bd, const struct cmd_call *c, struct list_options *o) {
    o->format = view_text(c, "format");
    if (o->format && strcasecmp(o->format, "json") == 0) {
        o->format = NULL;
        bd->json = true;
    }
    o->json = bd->json;
    o->watch = cmd_bool(c, "watch");
    o->tree = cmd_bool(c, "pretty") || (cmd_bool(c, "tree") && !cmd_bool(c, "flat")) || o->watch;
    o->long_form = cmd_bool(c, "long");
    o->skip_labels = o->filter.skip_labels = cmd_bool(c, "skip-labels");
    o->no_pager = cmd_bool(c, "no-pager");
    o->reverse = cmd_bool(c, "reverse");
    o->ready = cmd_bool(c, "ready");
    o->include_infra = cmd_bool(c, "include-infra");
    if (cmd_given(c, "limit"))
        o->limit = cmd_int(c, "limit");
    else if (cmd_bool(c, "all"))
        o->limit = 0;
}

static int check_sort(struct bd *bd, const struct cmd_call *c, struct list_options *o) {
    struct issue_list none = {NULL, 0, 0};
    o->sort = view_text(c, "sort");
    if (o->sort && !search_sort(&none, o->sort, false))
        return cmd_fail(bd, "invalid sort field \"%s\" (valid: %s)", o->sort, search_sort_fields);
    return 0;
}

static int take_exclusive(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    bool pinned = cmd_bool(c, "pinned");
    if (pinned && cmd_bool(c, "no-pinned"))
        return cmd_fail(bd, "--pinned and --no-pinned are mutually exclusive");
    if (pinned)
        f->pinned = FILTER_YES;
    if (f->parent && f->no_parent)
        return cmd_fail(bd, "--parent and --no-parent are mutually exclusive");
    return 0;
}

/* Everything that flags say, checked in upstream's order. */
static int take_flags(struct bd *bd, struct tables_txn *x, const struct cmd_call *c,
                      struct list_options *o) {
    struct err err = ERR_INIT;
    struct issue_filter *f = &o->filter;
    const char *state = view_text(c, "status") ? view_text(c, "status") : view_text(c, "state");
    bool all = cmd_bool(c, "all"), pinned = cmd_bool(c, "pinned");
    take_texts(bd, c, f);
    int status = take_kinds(bd, c, f);
    if (!status)
        status = check_sort(bd, c, o);
    if (!status && !o->ready)
        status = take_status(bd, x, state, o);
    if (!status)
        status = view_priority(bd, c, "priority", &f->priority);
    if (!status)
        status = take_type(bd, x, c, o);
    if (!status)
        status = view_filter_times(bd, c, f);
    if (!status)
        status = view_priority(bd, c, "priority-min", &f->priority_min);
    if (!status)
        status = view_priority(bd, c, "priority-max", &f->priority_max);
    if (!status)
        status = take_exclusive(bd, c, f);
    if (!status)
        status = view_metadata(bd, c, true, &f->metadata, &f->metadata_count, &f->has_metadata_key);
    if (status)
        return status;
    bool keeps_pinned =
        all || (state && (strcmp(state, "pinned") == 0 || strcmp(state, "hooked") == 0));
    bool no_pinned = cmd_bool(c, "no-pinned") || (!pinned && !keeps_pinned);
    int rc = list_hide(bd, x, o, !state && !all && !o->ready && !pinned, no_pinned,
                       !cmd_bool(c, "include-templates"), !cmd_bool(c, "include-gates"), &err);
    view_types(bd, c, "exclude-type", &f->exclude_types);
    return rc == BD_OK ? 0 : cmd_fail(bd, "%s", err.msg);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct list_options o;
    struct tables_txn *x = NULL;
    int status = check_positionals(bd, c);
    if (!status)
        status = check_skip_labels(bd, c);
    if (status)
        return status;
    list_options_init(&o);
    take_output(bd, c, &o);
    route_read(bd);
    status = view_begin(bd, &x);
    if (status)
        return status;
    status = take_flags(bd, x, c, &o);
    if (!status)
        status = list_run(bd, x, &o);
    tables_read_end(x);
    return status;
}

static const struct cmd_flag flags[] = {
    VIEW_FILTER_FLAGS,
    VIEW_TITLE_FLAGS,
    VIEW_METADATA_FLAGS,
    {.name = "status",
     .shorthand = 's',
     .kind = FLAG_STRING,
     .help = "Only this status, or several joined by commas (open, in_progress, blocked, deferred, "
             "closed …); all = any"},
    {.name = "state", .kind = FLAG_STRING, .help = "Same as --status", .hidden = true},
    {.name = "priority",
     .shorthand = 'p',
     .kind = FLAG_STRING,
     .help = "Only this priority (0-4 or P0-P4, 0 = highest)"},
    {.name = "type",
     .shorthand = 't',
     .kind = FLAG_STRING,
     .help = "Only this type (bug, feature, task, epic, chore, decision …); feat, mr, mol, dec are "
             "understood"},
    {.name = "exclude-label",
     .kind = FLAG_STRINGS,
     .help = "Leave out issues with any of these labels"},
    {.name = "label-pattern",
     .kind = FLAG_STRING,
     .help = "Accepted for compatibility, without effect"},
    {.name = "label-regex", .kind = FLAG_STRING, .help = "Accepted for compatibility, without effect"},
    {.name = "spec", .kind = FLAG_STRING, .help = "Only spec ids that start with this text"},
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "50",
     .help = "Show at most this many, 0 = all"},
    {.name = "format",
     .kind = FLAG_STRING,
     .help = "json, digraph, dot, or a template such as '{{.IssueID}} {{.Type}}'"},
    {.name = "all", .kind = FLAG_BOOL, .help = "Closed and pinned issues too, without a limit"},
    {.name = "long", .kind = FLAG_BOOL, .help = "Several lines per issue (with --flat)"},
    {.name = "sort",
     .kind = FLAG_STRING,
     .help = "Order by priority, created, updated, closed, status, id, title, type or assignee"},
    {.name = "reverse", .shorthand = 'r', .kind = FLAG_BOOL, .help = "Reverse the order of --sort"},
    {.name = "skip-labels",
     .kind = FLAG_BOOL,
     .help = "Do not read labels; not together with filters on labels"},
    {.name = "priority-min", .kind = FLAG_STRING, .help = "Only this priority number or a higher one"},
    {.name = "priority-max", .kind = FLAG_STRING, .help = "Only this priority number or a lower one"},
    {.name = "pinned", .kind = FLAG_BOOL, .help = "Only pinned issues"},
    {.name = "no-pinned", .kind = FLAG_BOOL, .help = "No pinned issues"},
    {.name = "include-templates", .kind = FLAG_BOOL, .help = "Template molecules too"},
    {.name = "include-gates", .kind = FLAG_BOOL, .help = "Gates too"},
    {.name = "include-infra",
     .kind = FLAG_BOOL,
     .help = "Infrastructure types too (agent, rig, role, message)"},
    {.name = "exclude-type", .kind = FLAG_STRINGS, .help = "Leave out these types"},
    {.name = "parent", .kind = FLAG_STRING, .help = "Only children of this issue"},
    {.name = "filter-parent", .kind = FLAG_STRING, .help = "Same as --parent", .hidden = true},
    {.name = "no-parent", .kind = FLAG_BOOL, .help = "Only issues that are nobody's child"},
    {.name = "mol-type", .kind = FLAG_STRING, .help = "Only this molecule type (swarm, patrol, work)"},
    {.name = "wisp-type",
     .kind = FLAG_STRING,
     .help = "Only this wisp type (heartbeat, ping, patrol, gc_report, recovery, error, escalation)"},
    {.name = "deferred", .kind = FLAG_BOOL, .help = "Only issues put off to later"},
    {.name = "defer-after", .kind = FLAG_STRING, .help = "Only issues put off beyond this time"},
    {.name = "defer-before", .kind = FLAG_STRING, .help = "Only issues put off to before this time"},
    {.name = "due-after", .kind = FLAG_STRING, .help = "Only issues due after this time"},
    {.name = "due-before", .kind = FLAG_STRING, .help = "Only issues due before this time"},
    {.name = "overdue", .kind = FLAG_BOOL, .help = "Only open issues whose due time has passed"},
    {.name = "pretty", .kind = FLAG_BOOL, .help = "Tree with symbols (the default form)"},
    {.name = "tree", .kind = FLAG_BOOL, .default_text = "true", .help = "Tree with symbols"},
    {.name = "flat", .kind = FLAG_BOOL, .help = "One line per issue instead of a tree"},
    {.name = "watch",
     .shorthand = 'w',
     .kind = FLAG_BOOL,
     .help = "Print again whenever something changes"},
    {.name = "no-pager", .kind = FLAG_BOOL, .help = "Never use a pager"},
    {.name = "ready", .kind = FLAG_BOOL, .help = "Only issues that nothing blocks, as bd ready"},
    {0},
};

const struct cmd cmd_list_command = {
    .name = "list",
    .use = "list [flags]",
    .summary = "List issues",
    .details = "List issues as a tree. Closed and pinned issues, templates, gates and infrastructure "
               "types are left out "
               "unless asked for.\n\nTimes are given as 2026-01-15, 2026-01-15T10:00:00Z, -3d, +6h, "
               "tomorrow, \"next "
               "monday\".",
    .examples = "  bd list\n  bd list --status open,in_progress --assignee alice\n  bd list --label "
                "backend --sort "
                "updated\n  bd list --parent bd-a1 --all\n  bd list --json --limit 0",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};

/* ---- bd children ---- */

static int run_children(struct bd *bd, const struct cmd_call *c) {
    struct list_options o;
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    int status = view_begin(bd, &x);
    if (status)
        return status;
    list_options_init(&o);
    o.json = bd->json;
    o.filter.parent = cmd_arg(c, 0);
    status = list_hide(bd, x, &o, false, true, true, true, &err) == BD_OK ? list_run(bd, x, &o)
                                                                          : cmd_fail(bd, "%s", err.msg);
    tables_read_end(x);
    return status;
}

const struct cmd cmd_children = {
    .name = "children",
    .use = "children <parent-id>",
    .summary = "List the children of an issue",
    .details = "List everything below an issue, closed issues included; the same as bd list --parent "
               "ID --status all.",
    .examples = "  bd children bd-a1\n  bd children bd-a1 --json",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = 1,
    .run = run_children,
};
