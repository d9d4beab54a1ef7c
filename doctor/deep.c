/* Checks of --deep on issues and edges: those that read more than the others, or only inform. */
#include "doctor/families.h"

#include "base/json_reader.h"
#include "base/os.h"
#include "bd/ops/edges.h"
#include "bd/ops/issue_rows.h"

#include <stdlib.h>
#include <string.h>

struct broken {
    const char *items[DOCTOR_SAMPLE];
    size_t count;
};

static void note(struct doctor *d, struct broken *b, const struct survey_edge *e, bool with_type) {
    if (b->count < DOCTOR_SAMPLE)
        b->items[b->count] = with_type
                                 ? arena_printf(d->arena, "%s→%s (%s)", e->source, e->target, e->type)
                                 : arena_printf(d->arena, "%s→%s", e->source, e->target);
    b->count++;
}

/* A wisp of another clone is not missing; the row came from there. */
static bool leads_nowhere(const struct survey_edge *e) {
    return !e->from || (!e->to && !e->external && !(e->wisp_target && !e->in_wisp_table));
}

void deep_parents(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct broken b = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->edge_count; i++)
        if (s->edges[i].kind == EDGE_PARENT && leads_nowhere(&s->edges[i]))
            note(d, &b, &s->edges[i], false);
    if (!b.count) {
        doctor_ok(d, r, "All parent-child relationships valid");
        return;
    }
    doctor_bad(d, r, "Found %zu orphaned parent-child dependencies", b.count);
    doctor_detail(d, r, "Examples: %s", doctor_sample(d, b.items, b.count));
    doctor_hint(d, r, "Run 'bd doctor --fix' (check Orphaned Dependencies)");
}

void deep_dependencies(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct broken b = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->edge_count; i++)
        if (s->edges[i].kind != EDGE_PARENT && leads_nowhere(&s->edges[i]))
            note(d, &b, &s->edges[i], true);
    if (!b.count) {
        doctor_ok(d, r, "All dependencies point to existing issues");
        return;
    }
    doctor_bad(d, r, "Found %zu broken dependencies", b.count);
    doctor_detail(d, r, "Examples: %s", doctor_sample(d, b.items, b.count));
    doctor_hint(d, r, "Run 'bd doctor --fix' (check Orphaned Dependencies)");
}

/* Open epics (or molecules) whose children are all closed. */
static size_t complete(struct doctor *d, const struct survey *s, bool molecules,
                       const char **examples) {
    size_t n = 0;
    uint32_t *closed = mem_zalloc(s->node_count + 1, sizeof *closed),
             *all = mem_zalloc(s->node_count + 1, sizeof *all);
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct survey_edge *e = &s->edges[i];
        if (e->kind != EDGE_PARENT || !e->from || !e->to)
            continue;
        all[e->to - s->nodes]++;
        closed[e->to - s->nodes] += e->from->closed;
    }
    for (size_t i = 0; i < s->node_count; i++) {
        const struct survey_node *node = &s->nodes[i];
        if (node->closed || node->wisp || (molecules ? !node->molecule : !node->epic) || !all[i] ||
            closed[i] != all[i])
            continue;
        if (n < DOCTOR_SAMPLE)
            examples[n] = arena_printf(d->arena, "%s (%u/%u)", node->id, closed[i], all[i]);
        n++;
    }
    free(closed);
    free(all);
    return n;
}

void deep_epics(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *examples[DOCTOR_SAMPLE];
    if (!s)
        return;
    size_t n = complete(d, s, false, examples);
    if (!n) {
        doctor_ok(d, r, "No epics eligible for closure");
        return;
    }
    doctor_warn(d, r, "Found %zu epics ready to close", n);
    doctor_detail(d, r, "Examples: %s", doctor_sample(d, examples, n));
    doctor_hint(d, r, "Run 'bd close ID' for each that is done");
}

void maintenance_stale_molecules(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *examples[DOCTOR_SAMPLE];
    if (!s)
        return;
    size_t n = complete(d, s, true, examples);
    if (!n) {
        doctor_ok(d, r, "No stale molecules");
        return;
    }
    doctor_warn(d, r, "%zu complete-but-unclosed molecule(s)", n);
    doctor_detail(d, r, "Example: %s", doctor_sample(d, examples, n));
    doctor_hint(d, r, "Run 'bd close ID' for each that is done");
}

/* ---- threads ---- */

struct threads {
    struct doctor *d;
    const struct survey *s;
    struct broken b;
};

static int check_thread(void *ctx, const struct cell *row) {
    struct threads *t = ctx;
    if (!cell_has_text(&row[0]) || !row[0].s.size ||
        strmap_get_n(&t->s->ids, row[0].s.data, row[0].s.size))
        return BD_OK;
    if (t->b.count < DOCTOR_SAMPLE)
        t->b.items[t->b.count] = arena_strndup(t->d->arena, row[0].s.data, row[0].s.size);
    t->b.count++;
    return BD_OK;
}

void deep_threads(struct doctor *d, struct doctor_result *r) {
    static const char *const column[] = {"thread_id"};
    struct threads t = {.d = d, .s = doctor_survey(d, r)};
    struct err err = ERR_INIT;
    int rc = BD_OK;
    if (!t.s)
        return;
    if (!tables_has_column(d->x, "dependencies", "thread_id")) {
        doctor_ok(d, r, "N/A (schema doesn't support thread_id)");
        return;
    }
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++) {
        struct tables_query q = {
            .table = issue_families[wisp].dependencies, .columns = column, .column_count = 1};
        if (tables_has_table(d->x, q.table))
            rc = tables_scan(d->x, &q, NULL, check_thread, &t, &err);
    }
    if (rc) {
        doctor_warn(d, r, "Unable to check thread integrity");
        doctor_detail(d, r, "%s", err.msg);
    } else if (!t.b.count) {
        doctor_ok(d, r, "All thread references valid");
    } else {
        doctor_warn(d, r, "Found %zu orphaned thread references", t.b.count);
        doctor_detail(d, r, "Threads: %s", doctor_sample(d, t.b.items, t.b.count));
        doctor_hint(d, r, "Harmless: the message that began the thread is gone");
    }
}

void deep_molecules(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct broken b = {.count = 0};
    size_t molecules = 0;
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++)
        molecules += s->nodes[i].molecule;
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct survey_edge *e = &s->edges[i];
        if (e->kind == EDGE_PARENT && e->to && e->to->molecule && !e->from)
            note(d, &b, e, false);
    }
    if (b.count) {
        doctor_bad(d, r, "Found %zu molecules with missing children", b.count);
        doctor_detail(d, r, "Examples: %s", doctor_sample(d, b.items, b.count));
        doctor_hint(d, r, "Run 'bd doctor --fix' (check Orphaned Dependencies)");
    } else if (!molecules) {
        doctor_ok(d, r, "No molecules to validate");
    } else {
        doctor_ok(d, r, "%zu molecules validated", molecules);
    }
}

/* ---- the JSONL file, line by line ---- */

struct file_ids {
    size_t lines, malformed, unknown;
    const char *examples[DOCTOR_SAMPLE];
};

static void read_line(struct doctor *d, const struct survey *s, char *line, size_t size,
                      struct file_ids *f) {
    struct arena a = ARENA_INIT;
    struct json_reader j;
    char *key, *id = NULL;
    size_t key_size, id_size;
    json_reader_init(&j, line, size, &a);
    if (json_reader_object(&j))
        while (json_reader_member(&j, &key, &key_size)) {
            if (key_size == 2 && memcmp(key, "id", 2) == 0 && json_reader_peek(&j) == JSON_STRING)
                json_reader_string(&j, &id, &id_size);
            else
                json_reader_skip(&j);
        }
    if (!json_reader_done(&j))
        f->malformed++;
    else if (id && !strmap_has(&s->ids, id)) {
        if (f->unknown < DOCTOR_SAMPLE)
            f->examples[f->unknown] = arena_strdup(d->arena, id);
        f->unknown++;
    }
    f->lines++;
    arena_release(&a);
}

void deep_jsonl(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *name = d->config ? config_get(d->config, "export.path") : NULL;
    struct file_ids f = {0};
    char *data;
    size_t size;
    if (!s)
        return;
    const char *path = doctor_path(d, name && *name ? name : "issues.jsonl");
    if (d->ws->direct || os_read_file(path, (size_t)1 << 30, &data, &size)) {
        doctor_ok(d, r, "N/A (no JSONL file)");
        return;
    }
    for (char *p = data, *end = data + size; p < end;) {
        char *line_end = memchr(p, '\n', (size_t)(end - p));
        size_t n = line_end ? (size_t)(line_end - p) : (size_t)(end - p);
        p[n] = 0;
        if (n)
            read_line(d, s, p, n, &f);
        p += n + 1;
    }
    free(data);
    if (f.malformed) {
        doctor_warn(d, r, "%zu of %zu lines are no JSON", f.malformed, f.lines);
        doctor_hint(d, r, "Run 'bd export -o %s' to write the file anew", path);
    } else if (f.unknown) {
        doctor_warn(d, r, "%zu issue(s) of the file are not in the database", f.unknown);
        doctor_detail(d, r, "%s", doctor_sample(d, f.examples, f.unknown));
        doctor_hint(
            d, r,
            "Deleted here, or made elsewhere: 'bd import --dry-run' shows what an import would do");
    } else {
        doctor_ok(d, r, "Every issue of the file (%zu lines) is in the database", f.lines);
    }
}
