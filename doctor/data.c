/* Checks of the issues themselves. */
#include "doctor/families.h"

#include "base/os.h"
#include "bd/ops/issue_rows.h"
#include "store/db/unresolved.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- ids ---- */

static bool looks_sequential(const char *id) {
    const char *dash = strrchr(id, '-');
    size_t n = dash ? strcspn(dash + 1, ".") : 0;
    return n > 0 && n < 5 && strspn(dash + 1, "0123456789") >= n;
}

void data_ids(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    size_t sequential = 0;
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++)
        sequential += looks_sequential(s->nodes[i].id);
    if (!s->node_count)
        doctor_ok(d, r, "No issues yet (will use hash-based IDs)");
    else if (sequential == s->node_count && s->node_count > 1 &&
             !tables_has_table(d->x, "child_counters"))
        doctor_warn(d, r, "sequential IDs detected — consider migrating to hash-based IDs");
    else if (sequential)
        doctor_ok(d, r, "hash-based ✓ (%zu older ones are numbers)", sequential);
    else
        doctor_ok(d, r, "hash-based ✓");
}

void data_both_families(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    if (!s)
        return;
    if (!s->both_count) {
        doctor_ok(d, r, "Every id stands for one issue");
        return;
    }
    doctor_bad(d, r, "%zu id(s) that are an issue and a wisp at once", s->both_count);
    doctor_detail(d, r, "%s", doctor_sample(d, s->both, s->both_count));
    doctor_hint(d, r, "Compare the two with 'bd history ID' and 'bd show ID'; this bd shows the issue");
}

/* ---- likeness ---- */

static int by_title(const void *x, const void *y) {
    const struct survey_node *a = *(const struct survey_node *const *)x,
                             *b = *(const struct survey_node *const *)y;
    return a->title_hash < b->title_hash   ? -1
           : a->title_hash > b->title_hash ? 1
                                           : strcmp(a->id, b->id);
}

static bool same_text(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

static bool same(const struct issue *a, const struct issue *b) {
    return same_text(a->title, b->title) && same_text(a->description, b->description) &&
           same_text(a->design, b->design) &&
           same_text(a->acceptance_criteria, b->acceptance_criteria) && same_text(a->status, b->status);
}

struct likeness {
    size_t groups, duplicates;
    const char *examples[DOCTOR_SAMPLE];
};

/* Issues of equal title and status; which of them agree in their long texts too? */
static void compare_group(struct doctor *d, const struct survey_node *const *group, size_t n,
                          struct likeness *l) {
    struct arena a = ARENA_INIT;
    struct issue_list list = {0};
    const char **ids = arena_alloc(&a, n * sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = group[i]->id;
    if (issue_load_many(d->x, ids, n, &a, &list, NULL) == BD_OK) {
        bool *taken = arena_zalloc(&a, list.count + 1);
        for (size_t i = 0; i < list.count; i++) {
            size_t more = 0;
            for (size_t k = i + 1; !taken[i] && k < list.count; k++)
                if (!taken[k] && same(&list.items[i], &list.items[k])) {
                    taken[k] = true;
                    if (!more && l->groups < DOCTOR_SAMPLE)
                        l->examples[l->groups] =
                            arena_printf(d->arena, "%s = %s", list.items[i].id, list.items[k].id);
                    more++;
                }
            l->groups += more > 0;
            l->duplicates += more;
        }
    }
    arena_release(&a);
}

void data_duplicates(struct doctor *d, struct doctor_result *r) {
    enum { COMPARED_MAX = 2000 }; /* long texts read, so that the time stays bounded */
    const struct survey *s = doctor_survey(d, r);
    struct likeness l = {0};
    size_t n = 0, compared = 0;
    if (!s)
        return;
    const struct survey_node **open = mem_alloc((s->node_count + 1) * sizeof *open);
    for (size_t i = 0; i < s->node_count; i++)
        if (!s->nodes[i].closed && !s->nodes[i].wisp)
            open[n++] = &s->nodes[i];
    qsort(open, n, sizeof *open, by_title);
    for (size_t i = 0, k; i < n && compared < COMPARED_MAX; i = k) {
        for (k = i + 1; k < n && open[k]->title_hash == open[i]->title_hash; k++)
            ;
        if (k - i < 2)
            continue;
        size_t take = k - i < COMPARED_MAX ? k - i : COMPARED_MAX;
        compare_group(d, open + i, take, &l);
        compared += take;
    }
    free(open);
    int64_t tolerated = d->options.orchestrator ? d->options.duplicates_threshold : 0;
    if (!l.duplicates) {
        doctor_ok(d, r, "No duplicate issues");
    } else if ((int64_t)l.duplicates <= tolerated) {
        doctor_ok(d, r, "%zu duplicate(s) detected (within orchestrator threshold of %lld)",
                  l.duplicates, (long long)tolerated);
    } else {
        doctor_warn(d, r, "%zu duplicate issue(s) in %zu group(s)%s", l.duplicates, l.groups,
                    compared >= COMPARED_MAX ? " (there may be more)" : "");
        doctor_detail(d, r, "%s", doctor_sample(d, l.examples, l.groups));
        doctor_hint(
            d, r,
            "Look at them with 'bd show ID ID'; close the one too many with 'bd close ID --reason "
            "\"duplicate of OTHER\"'");
    }
}

void data_test_issues(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *examples[DOCTOR_SAMPLE];
    size_t n = 0;
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++) {
        if (!s->nodes[i].test_like || s->nodes[i].wisp)
            continue;
        if (n < DOCTOR_SAMPLE)
            examples[n] = s->nodes[i].id;
        n++;
    }
    if (!n) {
        doctor_ok(d, r, "No test pollution detected");
        return;
    }
    doctor_warn(d, r, "%zu potential test issue(s) detected", n);
    doctor_detail(d, r, "%s", doctor_sample(d, examples, n));
    doctor_hint(d, r, "Run 'bd doctor --check=pollution' to look at them");
}

/* ---- sizes ---- */

struct kv_count {
    size_t n;
};

static int count_kv(void *ctx, const struct cell *row) {
    (void)row;
    ((struct kv_count *)ctx)->n++;
    return BD_OK;
}

void data_kv(struct doctor *d, struct doctor_result *r) {
    static const char *const key[] = {"key"};
    struct kv_count c = {0};
    if (doctor_no_store(d, r))
        return;
    struct tables_query q = {.table = "config",
                             .columns = key,
                             .column_count = 1,
                             .where = pred_cmp(d->arena, PRED_PREFIX, "key", cell_text("kv."))};
    if (tables_has_table(d->x, "config"))
        tables_scan(d->x, &q, NULL, count_kv, &c, NULL);
    if (!c.n)
        doctor_ok(d, r, "No KV data stored");
    else
        doctor_ok(d, r, "%zu KV pair%s stored", c.n, c.n == 1 ? "" : "s");
}

void data_large(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *text = doctor_setting(d, "doctor.suggest_pruning_issue_count");
    long threshold = text && isdigit((unsigned char)*text) ? strtol(text, NULL, 10) : 5000;
    if (!s)
        return;
    if (threshold == 0) {
        doctor_ok(d, r, "Check disabled (threshold = 0)");
    } else if ((long)s->closed_count <= threshold) {
        doctor_ok(d, r, "%zu closed issues (threshold: %ld)", s->closed_count, threshold);
    } else {
        doctor_warn(d, r, "%zu closed issues (threshold: %ld)", s->closed_count, threshold);
        doctor_detail(d, r, "They make lists and exports longer; the history keeps what is pruned");
        doctor_hint(d, r,
                    "Run 'bd prune --older-than 90d --dry-run' to see what could go, or raise "
                    "doctor.suggest_pruning_issue_count");
    }
}

/* ---- the file beside the database ---- */

static bool has_markers(const char *path) {
    char *data;
    size_t size;
    bool found = false;
    if (os_read_file(path, (size_t)256 << 20, &data, &size))
        return false;
    static const char *const markers[] = {"<<<<<<< ", ">>>>>>> "};
    for (size_t m = 0; m < 2 && !found; m++)
        for (char *p = data; !found && p && p < data + size;) {
            char *at = memmem(p, (size_t)(data + size - p), markers[m], 8);
            found = at && (at == data || at[-1] == '\n');
            p = at ? at + 8 : NULL;
        }
    free(data);
    return found;
}

void database_conflicts(struct doctor *d, struct doctor_result *r) {
    const char **names, **tables;
    struct buf files = BUF_INIT;
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0, table_count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(names[i]);
        if (size > 6 && strcmp(names[i] + size - 6, ".jsonl") == 0 &&
            has_markers(doctor_path(d, names[i])))
            buf_addf(&files, "%s%s", files.size ? ", " : "", names[i]);
    }
    if (files.size) {
        doctor_bad(d, r, "Unresolved git conflicts in: %s", files.data);
        doctor_hint(d, r,
                    "Resolve them in .beads/ and commit; 'bd export -o FILE' writes the file anew from "
                    "the database");
    } else if (d->x && db_unresolved_tables(d->x, d->arena, &tables, &table_count, NULL) == BD_OK &&
               table_count) {
        doctor_bad(d, r, "Unresolved Dolt merge conflicts in %zu table(s)", table_count);
        doctor_detail(d, r, "%s", doctor_sample(d, tables, table_count));
        doctor_hint(d, r, "Decide them with 'dolt conflicts resolve --ours|--theirs TABLE' in %s",
                    d->ws->database_dir);
    } else {
        doctor_ok(d, r, "No conflicts");
    }
    buf_release(&files);
}

/* Only what costs nothing; --deep compares line by line. */
void data_jsonl(struct doctor *d, struct doctor_result *r) {
    const char *name = d->config ? config_get(d->config, "export.path") : NULL;
    if (doctor_no_store(d, r))
        return;
    if (!d->config || !config_bool(d->config, "export.auto")) {
        doctor_ok(d, r, "N/A (export.auto is off)");
        return;
    }
    const char *path = doctor_path(d, name && *name ? name : "issues.jsonl");
    size_t size;
    char *state = doctor_read(d, doctor_path(d, "export-state.json"), &size);
    struct hash head;
    char text[HASH_TEXT_SIZE + 1];
    if (!os_exists(path)) {
        doctor_warn(d, r, "export.auto is on, but %s is missing", path);
        doctor_hint(d, r, "Run 'bd export -o %s'", path);
        return;
    }
    if (!state || tables_resolve(d->tables, "HEAD", &head, NULL)) {
        doctor_ok(d, r, "Never exported from here");
        return;
    }
    hash_format(&head, text);
    if (strstr(state, text))
        doctor_ok(d, r, "The export is of the newest commit");
    else
        doctor_ok(
            d, r,
            "The export is older than the newest commit; the next command that writes refreshes it");
}
