/*
 * Shared parts of the viewing commands.
 */
#include "bd/cmd/view.h"

#include "bd/cmd/parse.h"

#include "base/datetime.h"
#include "bd/ops/time_parse.h"
#include "bd/ops/validate.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int view_begin(struct bd *bd, struct tables_txn **x) {
    struct err err = ERR_INIT;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (tables_read_begin(bd->ops.tables, x, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    return 0;
}

void view_print(struct bd *bd, struct buf *b) {
    fwrite(buf_str(b), 1, b->size, bd->out);
    buf_release(b);
}

void view_json_array(struct bd *bd, size_t count,
                     void (*each)(void *ctx, struct json_writer *w, size_t i), void *ctx) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < count; i++)
        each(ctx, &w, i);
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
}

static void with_counts(void *ctx, struct json_writer *w, size_t i) {
    issue_json_with_counts(w, &((const struct issue_list *)ctx)->items[i], 0);
}

void view_json_issues_with_counts(struct bd *bd, const struct issue_list *l) {
    struct issue_list copy = *l;
    view_json_array(bd, l->count, with_counts, &copy);
}

static void plain(void *ctx, struct json_writer *w, size_t i) {
    issue_json(w, &((const struct issue_list *)ctx)->items[i]);
}

void view_json_issues(struct bd *bd, const struct issue_list *l) {
    struct issue_list copy = *l;
    view_json_array(bd, l->count, plain, &copy);
}

const char *view_text(const struct cmd_call *c, const char *flag) {
    const char *v = cmd_str(c, flag);
    return *v ? v : NULL;
}

/* Non-empty parts of a comma list of ids (NULL = none). */
static void split_ids(struct bd *bd, const char *text, struct text_list *out) {
    for (const char *p = text ? text : ""; *p;) {
        size_t size = strcspn(p, ",");
        const char *id = text_trim(&bd->arena, arena_strndup(&bd->arena, p, size));
        if (*id)
            text_list_add(out, &bd->arena, id);
        p += size + (p[size] == ',');
    }
}

void view_help(struct bd *bd, const struct cmd_call *c) {
    struct buf text = BUF_INIT;
    cmd_help(&text, c);
    view_print(bd, &text);
    fflush(bd->out);
}

void view_long_line(struct buf *out, const struct issue *i) {
    buf_addf(out, "%s [P%lld] [%s] %s\n  %s\n", i->id, (long long)i->priority, i->issue_type, i->status,
             i->title);
    if (i->assignee && *i->assignee)
        buf_addf(out, "  Assignee: %s\n", i->assignee);
    if (i->label_count) {
        buf_add_str(out, "  Labels: ");
        text_add_list(out, i->labels, i->label_count);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
}

bool view_agent_mode(void) {
    const char *mode = getenv("BD_AGENT_MODE"), *claude = getenv("CLAUDE_CODE");
    return (mode && strcmp(mode, "1") == 0) || (claude && *claude);
}

static void add_once(struct text_list *t, struct arena *a, const char *item) {
    item = text_trim(a, item);
    if (!*item)
        return;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i], item) == 0)
            return;
    text_list_add(t, a, item);
}

struct text_list view_labels(struct bd *bd, const struct cmd_call *c, const char *flag) {
    struct text_list out = {NULL, 0};
    size_t n;
    const char *const *items = cmd_list(c, flag, &n);
    for (size_t i = 0; i < n; i++)
        add_once(&out, &bd->arena, items[i]);
    return out;
}

struct text_list view_directory_labels(struct bd *bd) {
    static const char key[] = "directory.labels.";
    struct text_list out = {NULL, 0};
    char cwd[4096];
    (void)config_get(&bd->config, "directory.labels"); /* the files are read on the first question */
    if (!getcwd(cwd, sizeof cwd))
        return out;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&bd->config.values, e));) {
        if (strncmp(e->key, key, sizeof key - 1) != 0)
            continue;
        const char *pattern = e->key + sizeof key - 1, *label = config_get(&bd->config, e->key);
        size_t n = strlen(pattern), size = strlen(cwd);
        bool at_end = n <= size && strcmp(cwd + size - n, pattern) == 0;
        if (label && (at_end || strstr(cwd, arena_printf(&bd->arena, "/%s", pattern)))) {
            add_once(&out, &bd->arena, label);
            return out;
        }
    }
    return out;
}

void view_types(struct bd *bd, const struct cmd_call *c, const char *flag, struct text_list *out) {
    size_t n;
    const char *const *items = cmd_list(c, flag, &n);
    for (size_t i = 0; i < n; i++) {
        for (const char *p = items[i]; *p;) {
            size_t size = strcspn(p, ",");
            const char *type = text_trim(&bd->arena, arena_strndup(&bd->arena, p, size));
            if (*type)
                text_list_add(out, &bd->arena, type_normalize(type));
            p += size + (p[size] == ',');
        }
    }
}

int view_time(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out) {
    struct err err = ERR_INIT;
    const char *text = view_text(c, flag);
    if (text && time_parse(text, datetime_now(), out, &err) != BD_OK)
        return cmd_fail(bd, "parsing --%s: %s", flag, err.msg);
    return 0;
}

int view_filter_times(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    const struct {
        const char *name;
        struct filter_time *range;
    } ranges[] = {{"created", &f->created},
                  {"updated", &f->updated},
                  {"closed", &f->closed},
                  {"defer", &f->defer},
                  {"due", &f->due}};
    int status = 0;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && !status; i++) {
        struct filter_time *r = ranges[i].range;
        status = view_time(bd, c, arena_printf(&bd->arena, "%s-after", ranges[i].name), &r->after);
        if (!status)
            status =
                view_time(bd, c, arena_printf(&bd->arena, "%s-before", ranges[i].name), &r->before);
    }
    return status;
}

void view_filter(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    f->assignee = view_text(c, "assignee");
    f->issue_type = view_text(c, "type");
    f->labels = view_labels(bd, c, "label");
    f->labels_any = view_labels(bd, c, "label-any");
    f->title = view_text(c, "title");
    f->title_contains = view_text(c, "title-contains");
    f->description_contains = view_text(c, "desc-contains");
    f->notes_contains = view_text(c, "notes-contains");
    f->empty_description = cmd_bool(c, "empty-description");
    f->no_assignee = cmd_bool(c, "no-assignee");
    f->no_labels = cmd_bool(c, "no-labels");
    split_ids(bd, view_text(c, "id"), &f->ids);
}

int view_priority(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out) {
    struct err err = ERR_INIT;
    if (!cmd_given(c, flag) || priority_check(cmd_str(c, flag), out, &err) == BD_OK)
        return 0;
    if (strcmp(flag, "priority") == 0)
        return cmd_fail(bd, "%s", err.msg);
    return cmd_fail(bd, "parsing --%s: %s", flag, err.msg);
}

static int fail_metadata(struct bd *bd, bool on_stdout, const char *message) {
    if (on_stdout)
        return cmd_fail_json_stdout(bd, "%s", message);
    fprintf(bd->err, "Error: %s\n", message);
    return 1;
}

static const char *bad_key(struct bd *bd, const char *what, const char *key) {
    struct buf quoted = BUF_INIT;
    text_add_quoted(&quoted, key);
    const char *message = arena_printf(
        &bd->arena, "invalid --%s: invalid metadata key %s: must match [a-zA-Z_][a-zA-Z0-9_.]*", what,
        buf_str(&quoted));
    buf_release(&quoted);
    return message;
}

int view_metadata(struct bd *bd, const struct cmd_call *c, bool on_stdout,
                  const struct filter_pair **pairs, size_t *count, const char **has_key) {
    size_t n;
    const char *const *items = cmd_list(c, "metadata-field", &n);
    struct filter_pair *out = arena_alloc(&bd->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(items[i], '=');
        if (!equals || equals == items[i]) {
            struct buf quoted = BUF_INIT;
            text_add_quoted(&quoted, items[i]);
            const char *message = arena_printf(
                &bd->arena, "invalid --metadata-field: expected key=value, got %s", buf_str(&quoted));
            buf_release(&quoted);
            return fail_metadata(bd, on_stdout, message);
        }
        out[i].key = arena_strndup(&bd->arena, items[i], (size_t)(equals - items[i]));
        out[i].value = equals + 1;
        if (!metadata_key_is_valid(out[i].key))
            return fail_metadata(bd, on_stdout, bad_key(bd, "metadata-field key", out[i].key));
    }
    *pairs = out;
    *count = n;
    *has_key = view_text(c, "has-metadata-key");
    if (*has_key && !metadata_key_is_valid(*has_key))
        return fail_metadata(bd, on_stdout, bad_key(bd, "has-metadata-key", *has_key));
    return 0;
}
