/*
 * Making issues. Ids, times and the content hash are made inside the transaction from the request
 * alone, so a transaction that must be run again starts from the same request.
 */
#include "bd/ops/create.h"

#include "bd/ops/blocked.h"
#include "bd/ops/comments.h"
#include "bd/ops/content_hash.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/events.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/labels.h"
#include "bd/ops/validate.h"

#include <string.h>

int create_context_load(const struct ops *o, struct tables_txn *x, struct arena *a,
                        struct create_context *c, struct err *err) {
    memset(&c->census, 0, sizeof c->census);
    int rc = db_config_prefix(x, a, &c->prefix, err);
    if (rc == BD_OK)
        rc = db_config_statuses(o, x, a, &c->statuses, err);
    if (rc == BD_OK)
        rc = db_config_types(o, x, a, &c->types, err);
    if (rc == BD_OK)
        rc = db_config_infra_types(o, x, a, &c->infra_types, err);
    if (rc == BD_OK)
        rc = db_config_get(x, "allowed_prefixes", a, &c->allowed, err);
    return rc;
}

const char **labels_merge(const char *const *labels, size_t count, const char *const *more,
                          size_t more_count, struct arena *a, size_t *out_count) {
    const char **out = arena_alloc(a, (count + more_count + 1) * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < count + more_count; i++) {
        const char *label = i < count ? labels[i] : more[i - count];
        size_t k = 0;
        while (k < n && strcmp(out[k], label) != 0)
            k++;
        if (k == n)
            out[n++] = label;
    }
    *out_count = n;
    return out;
}

/* Times default to now; a closed issue needs a closing time. */
static void complete_times(struct issue *i) {
    int64_t now = datetime_now();
    if (i->created_at == ISSUE_NO_TIME)
        i->created_at = now;
    if (i->updated_at == ISSUE_NO_TIME)
        i->updated_at = now;
    if (strcmp(i->status, "closed") == 0 && i->closed_at == ISSUE_NO_TIME)
        i->closed_at =
            (i->updated_at > i->created_at ? i->updated_at : i->created_at) + MICROS_PER_SECOND;
}

static int pick_id(struct ops *o, struct tables_txn *x, struct create_context *c, struct issue *i,
                   const struct create_options *options, struct arena *a, struct err *err) {
    if (i->id && *i->id) {
        if (!options->check_prefix)
            return BD_OK;
        int rc = id_check_prefix(i->id, c->prefix, c->allowed, NULL);
        if (rc != BD_OK)
            return err_set(
                err, rc,
                "prefix validation failed for %s: issue ID %s does not match configured prefix %s",
                i->id, i->id, c->prefix);
        return BD_OK;
    }
    const char *prefix = c->prefix;
    if (options->prefix_override && *options->prefix_override)
        prefix = options->prefix_override;
    else if (options->id_prefix && *options->id_prefix)
        prefix = arena_printf(a, "%s-%s", c->prefix, options->id_prefix);
    else if (i->is_wisp)
        prefix = arena_printf(a, "%s-wisp", c->prefix);
    return id_generate(x, i->is_wisp, prefix, i, o->actor, &c->census, a, &i->id, err);
}

static int add_labels(struct ops *o, struct tables_txn *x, const struct issue *i, struct err *err) {
    static const char *const columns[] = {"issue_id", "label"};
    for (size_t l = 0; l < i->label_count; l++) {
        bool inserted = true;
        struct cell row[] = {cell_text(i->id), cell_text(i->labels[l])};
        int rc = tables_insert(x, issue_families[i->is_wisp].labels, columns, row, 2,
                               TABLES_INSERT_IGNORE, &inserted, err);
        if (rc != BD_OK)
            return err_prefix(err, "failed to insert label \"%s\" for %s", i->labels[l], i->id);
        if (!inserted)
            continue;
        struct buf comment = BUF_INIT;
        buf_addf(&comment, "Added label: %s", i->labels[l]);
        struct event e = {.issue_id = i->id,
                          .type = "label_added",
                          .actor = o->actor,
                          .comment = buf_str(&comment),
                          .created_at = ISSUE_NO_TIME};
        rc = event_add(x, i->is_wisp, &e, err);
        buf_release(&comment);
        if (rc != BD_OK)
            return rc;
    }
    return BD_OK;
}

/*
 * Inside a transaction: fills what is missing (times, id, content_hash), checks, inserts the row, its
 * event, its labels (with events) and its comments. i->id NULL or "" makes an id. An explicit id that
 * exists is refreshed, as an import does; *is_new (may be NULL) tells. Texts in `a`. Dependencies are
 * the caller's.
 */
static int issue_create_in(struct ops *o, struct tables_txn *x, struct create_context *c,
                           struct issue *i, const struct create_options *options, struct arena *a,
                           bool *is_new, struct err *err) {
    static const struct create_options none = {0};
    bool fresh = false;
    if (!options)
        options = &none;
    if (text_list_has(&c->infra_types, i->issue_type))
        i->ephemeral = true;
    i->is_wisp = i->ephemeral || i->no_history;
    complete_times(i);
    int rc = issue_check(i, &c->statuses, &c->types, err);
    if (rc != BD_OK)
        return err_prefix(err, "validation failed for issue %s", i->id ? i->id : "");
    if (!i->content_hash || !*i->content_hash)
        i->content_hash = issue_content_hash(i, a);
    rc = i->is_wisp ? issue_wisps_ready(x, err) : BD_OK;
    if (rc == BD_OK)
        rc = pick_id(o, x, c, i, options, a, err);
    if (rc != BD_OK)
        return rc;
    if (options->keep_existing && issue_locate(x, i->id, NULL, err) == BD_OK) {
        if (is_new)
            *is_new = false;
        return BD_OK;
    }
    rc = issue_row_put(x, i, i->is_wisp, &fresh, err);
    if (rc != BD_OK)
        return err_prefix(err, "failed to insert issue %s", i->id);
    if (is_new)
        *is_new = fresh;
    if (fresh) {
        struct event e = {.issue_id = i->id,
                          .type = "created",
                          .actor = o->actor,
                          .old_value = "",
                          .new_value = "",
                          .created_at = ISSUE_NO_TIME};
        rc = event_add(x, i->is_wisp, &e, err);
    }
    if (rc == BD_OK)
        rc = add_labels(o, x, i, err);
    for (size_t k = 0; rc == BD_OK && k < i->comment_row_count; k++) {
        i->comments[k].issue_id = i->id;
        rc = comment_import_in(o, x, &i->comments[k], i->is_wisp, a, err);
    }
    if (rc == BD_OK)
        ops_note(o, i->id, fresh ? "create" : "update");
    return rc;
}

/* ---- one issue as `create` makes it ---- */

static void warn(struct create_request *r, const char *text) { r->warnings[r->warning_count++] = text; }

static void add_wish(struct ops *o, struct tables_txn *x, struct create_request *r,
                     const struct dependency_wish *w, struct arena *a) {
    struct err err = ERR_INIT;
    struct dependency d = {.issue_id = w->reversed ? w->target : r->issue.id,
                           .depends_on_id = w->reversed ? r->issue.id : w->target,
                           .type = w->type,
                           .metadata = w->metadata,
                           .created_at = ISSUE_NO_TIME};
    if (dependency_add_in(o, x, &d, 0, &err) != BD_OK)
        warn(r, arena_printf(a, "failed to add %sdependency %s -> %s: %s",
                             strcmp(w->type, "parent-child") == 0 && w->target == r->parent
                                 ? "parent-child "
                             : strcmp(w->type, "waits-for") == 0 && w->metadata ? "waits-for "
                                                                                : "",
                             r->issue.id, w->target, err.msg));
}

static int prepare_child(struct tables_txn *x, struct create_request *r, struct arena *a,
                         struct err *err) {
    bool parent_is_wisp;
    int rc = issue_locate(x, r->parent, &parent_is_wisp, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, rc, "parent issue %s not found", r->parent);
    if (rc == BD_OK)
        rc = id_next_child(x, r->parent, parent_is_wisp, a, &r->issue.id, err);
    if (rc == BD_OK && r->inherit_labels) {
        const char **labels;
        size_t count;
        rc = label_list(x, r->parent, parent_is_wisp, a, &labels, &count, err);
        if (rc == BD_OK)
            r->issue.labels = labels_merge(r->issue.labels, r->issue.label_count, labels, count, a,
                                           &r->issue.label_count);
    }
    return rc;
}

/* An issue found while working on another belongs to the same repository. */
static int inherit_source_repo(struct tables_txn *x, struct create_request *r, struct arena *a,
                               struct err *err) {
    for (size_t i = 0; i < r->wish_count; i++) {
        struct issue from;
        if (strcmp(r->wishes[i].type, "discovered-from") != 0)
            continue;
        int rc = issue_load(x, r->wishes[i].target, a, &from, err);
        if (rc == BD_OK && *from.source_repo)
            r->issue.source_repo = from.source_repo;
        err_clear(err);
        return rc == BD_NOT_FOUND ? BD_OK : rc;
    }
    return BD_OK;
}

int create_request_in(struct ops *o, struct tables_txn *x, struct create_request *r, struct arena *a,
                      struct err *err) {
    struct create_context c;
    if (r->started)
        r->issue = r->wanted;
    r->wanted = r->issue;
    r->started = true;
    int rc = create_context_load(o, x, a, &c, err);
    r->warnings = arena_alloc(a, (r->wish_count + 1) * sizeof *r->warnings);
    r->warning_count = 0;
    r->issue.labels =
        labels_merge(r->issue.labels, r->issue.label_count, NULL, 0, a, &r->issue.label_count);
    if (rc == BD_OK && r->parent)
        rc = prepare_child(x, r, a, err);
    if (rc == BD_OK)
        rc = inherit_source_repo(x, r, a, err);
    if (rc == BD_OK)
        rc = issue_create_in(o, x, &c, &r->issue, &r->options, a, NULL, err);
    if (rc != BD_OK)
        return rc;
    if (r->parent) {
        struct dependency_wish parent = {.type = "parent-child", .target = r->parent};
        add_wish(o, x, r, &parent, a);
    }
    for (size_t i = 0; i < r->wish_count; i++)
        add_wish(o, x, r, &r->wishes[i], a);
    return BD_OK;
}

/* ---- batches ---- */

static int add_batch_dependencies(struct ops *o, struct tables_txn *x, struct issue *i,
                                  struct err *err) {
    for (size_t k = 0; k < i->dependency_row_count; k++) {
        struct dependency *d = &i->dependencies[k];
        if (!d->issue_id || !*d->issue_id)
            d->issue_id = i->id;
        bool external = external_ref_is_dependency(d->depends_on_id), target_is_wisp = false,
             cycle = false;
        int rc = external ? BD_OK : issue_locate(x, d->depends_on_id, &target_is_wisp, err);
        if (rc == BD_NOT_FOUND)
            continue;
        if (rc == BD_OK && strcmp(d->issue_id, d->depends_on_id) == 0)
            return err_set(
                err, BD_INVALID,
                "invalid dependency %s -> %s: cannot add self-dependency: %s cannot depend on itself",
                d->issue_id, d->depends_on_id, d->issue_id);
        if (rc == BD_OK && dependency_type_blocks(d->type))
            rc = dependency_reaches(x, d->depends_on_id, d->issue_id, &cycle, err);
        if (rc == BD_OK && cycle)
            return err_set(err, BD_CONFLICT,
                           "invalid dependency %s -> %s: adding dependency would create a cycle",
                           d->issue_id, d->depends_on_id);
        struct dependency row = *d;
        row.target = external         ? DEP_TARGET_EXTERNAL
                     : target_is_wisp ? DEP_TARGET_WISP
                                      : DEP_TARGET_ISSUE;
        if (!row.created_by)
            row.created_by = o->actor;
        if (rc == BD_OK)
            rc = dependency_row_insert(x, &row, i->is_wisp, err);
        if (rc == BD_CONSTRAINT) { /* the same pair twice: the first stays */
            err_clear(err);
            rc = BD_OK;
        }
        if (rc != BD_OK)
            return err_prefix(err, "failed to insert dependency %s -> %s", d->issue_id,
                              d->depends_on_id);
    }
    return BD_OK;
}

int issues_create_in(struct ops *o, struct tables_txn *x, struct issue **issues, size_t count,
                     const struct create_options *options, struct arena *a, struct err *err) {
    struct create_context c;
    int rc = create_context_load(o, x, a, &c, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = issue_create_in(o, x, &c, issues[i], options, a, NULL, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = add_batch_dependencies(o, x, issues[i], err);
    const char **ids = arena_alloc(a, (count + 1) * sizeof *ids);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        ids[i] = issues[i]->id;
        rc = id_reconcile_child(x, issues[i]->id, err);
    }
    return rc == BD_OK ? blocked_recompute(x, ids, count, err) : rc;
}
