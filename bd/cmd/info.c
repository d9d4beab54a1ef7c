/* bd info: the database in use, what it holds, and what changed lately in the program. */
#include "bd/cmd/commands.h"
#include "bd/cmd/config.h"

#include "base/version.h"
#include "bd/ops/db_config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct change {
    const char *version, *date;
    const char *const *changes;
};

static const struct change recent[] = {
    {"1.0.5", "2026-06-01",
     (const char *const[]){
         "A dependency row names exactly one target: an issue, a wisp or something external; "
         "depends_on_id is computed.",
         "JSONL auto-export is off by default: set export.auto (and export.git-add) to true to have "
         "it.",
         "Deleting or renaming an issue takes its labels, comments, events and dependencies along.",
         "A database with a newer schema is read, never written.",
         "bd list --skip-labels; bd close takes several ids and may be repeated.",
         NULL,
     }},
    {"1.0.4", "2026-05-07",
     (const char *const[]){
         "bd init never replaces a database silently: --reinit-local, --discard-remote, exit statuses "
         "10, 11, 12.",
         "Tokens of issue trackers live in config.yaml or the environment, never in the database.",
         NULL,
     }},
    {"0.63.3", "2026-03-29",
     (const char *const[]){
         "The database lives inside the workspace; no server is needed.",
         "bd create --graph makes many issues and their dependencies at once.",
         "Short commands: comment, assign, tag, link, priority.",
         NULL,
     }},
    {"0.62.0", "2026-03-21",
     (const char *const[]){
         "Custom statuses have a category (active, wip, done, frozen) that ready and list go by; bd "
         "statuses shows them.",
         "BEADS_ACTOR is the variable for the actor; BD_ACTOR still works.",
         NULL,
     }},
};

struct info {
    uint64_t issues;
    bool counted;
    struct config_row *rows;
    size_t row_count;
    const char *version, *prefix, *samples[3];
    size_t sample_count;
};

static int add_sample(void *ctx, const struct cell *row) {
    struct info *i = ctx;
    if (i->sample_count < 3 && cell_has_text(&row[0]))
        i->samples[i->sample_count++] = row[0].s.data;
    return i->sample_count < 3 ? BD_OK : BD_DONE;
}

/* "bd-123" → "bd"; "a-b-7" → "a-b"; otherwise what stands before the first hyphen. */
static const char *prefix_of(struct arena *a, const char *id) {
    const char *last = strrchr(id, '-'), *first = strchr(id, '-');
    if (!last || last == id)
        return "";
    return arena_strndup(a, id, (size_t)((isdigit((unsigned char)last[1]) ? last : first) - id));
}

static int collect(struct bd *bd, struct info *i, struct err *err) {
    static const char *const id[] = {"id"}, *const value[] = {"value"};
    static const struct tables_order order[] = {
        {"priority", false}, {"created_at", true}, {"id", false}};
    struct tables_query q = {.table = "issues",
                             .columns = id,
                             .column_count = 1,
                             .order = order,
                             .order_count = 3,
                             .limit = 3};
    struct cell key = cell_text("bd_version"), version = cell_null();
    struct tables_txn *x;
    uint64_t wisps = 0;
    int rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    i->counted = tables_count_all(x, "issues", NULL, &i->issues, NULL) == BD_OK;
    if (tables_has_table(x, "wisps") && tables_count_all(x, "wisps", NULL, &wisps, NULL) == BD_OK)
        i->issues += wisps;
    tables_scan(x, &q, &bd->arena, add_sample, i, NULL);
    i->version = "";
    if (tables_has_table(x, "local_metadata") &&
        tables_get(x, "local_metadata", &key, 1, value, 1, &bd->arena, &version, NULL) == BD_OK &&
        cell_has_text(&version))
        i->version = cell_format(&version, &bd->arena);
    tables_read_end(x);
    return config_rows(bd, &i->rows, &i->row_count, err);
}

static void write_schema(struct bd *bd, struct json_writer *w, const struct info *i) {
    static const char *const tables[] = {"issues", "dependencies", "labels", "config", "metadata"};
    (void)bd;
    json_key(w, "schema");
    json_object(w);
    json_key(w, "tables");
    json_array(w);
    for (size_t k = 0; k < 5; k++)
        json_str(w, tables[k]);
    json_array_end(w);
    json_member_str(w, "schema_version", i->version);
    json_key(w, "config");
    json_object(w);
    for (size_t k = 0; k < i->row_count; k++)
        if (strcmp(i->rows[k].key, "issue_prefix") == 0)
            json_member_str(w, "issue_prefix", i->rows[k].value);
    json_object_end(w);
    json_key(w, "sample_issue_ids");
    json_array(w);
    for (size_t k = 0; k < i->sample_count; k++)
        json_str(w, i->samples[k]);
    json_array_end(w);
    json_member_str(w, "detected_prefix", i->prefix);
    json_object_end(w);
}

static void print_json(struct bd *bd, const struct info *i, bool schema) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "database_path", bd->ws.direct ? bd->ws.database_dir : bd->ws.data_dir);
    json_member_str(&w, "mode", "direct");
    if (i->counted)
        json_member_int(&w, "issue_count", (int64_t)i->issues);
    if (i->row_count) {
        json_key(&w, "config");
        json_object(&w);
        for (size_t k = 0; k < i->row_count; k++)
            json_member_str(&w, i->rows[k].key, i->rows[k].value);
        json_object_end(&w);
    }
    if (schema)
        write_schema(bd, &w, i);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void print_text(struct bd *bd, const struct info *i, bool schema) {
    fprintf(bd->out,
            "\nBeads Database Information\n===========================\nDatabase: %s\nMode: direct\n",
            bd->ws.direct ? bd->ws.database_dir : bd->ws.data_dir);
    if (i->counted)
        fprintf(bd->out, "\nIssue Count: %" PRIu64 "\n", i->issues);
    if (schema) {
        fprintf(bd->out,
                "\nSchema Information:\n  Tables: [issues dependencies labels config metadata]\n  "
                "Schema Version: %s\n",
                i->version);
        if (*i->prefix)
            fprintf(bd->out, "  Detected Prefix: %s\n", i->prefix);
        for (size_t k = 0; k < i->sample_count; k++)
            fprintf(bd->out, "%s%s%s", k ? " " : "  Sample Issues: [", i->samples[k],
                    k + 1 == i->sample_count ? "]\n" : "");
    }
    fputc('\n', bd->out);
}

static int whats_new(struct bd *bd) {
    size_t n = sizeof recent / sizeof *recent;
    if (!bd->json) {
        fprintf(bd->out, "\n🆕 What's New in bd (Current: v%s)\n", BD_VERSION);
        for (int i = 0; i < 61; i++)
            fputc('=', bd->out);
        fprintf(bd->out, "\n\n");
        for (size_t i = 0; i < n; i++) {
            fprintf(bd->out, "## v%s (%s)%s\n\n", recent[i].version, recent[i].date,
                    strcmp(recent[i].version, BD_VERSION) == 0 ? " ← current" : "");
            for (size_t k = 0; recent[i].changes[k]; k++)
                fprintf(bd->out, "  • %s\n", recent[i].changes[k]);
            fputc('\n', bd->out);
        }
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "current_version", BD_VERSION);
    json_key(&w, "recent_changes");
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_member_str(&w, "version", recent[i].version);
        json_member_str(&w, "date", recent[i].date);
        json_key(&w, "changes");
        json_array(&w);
        for (size_t k = 0; recent[i].changes[k]; k++)
            json_str(&w, recent[i].changes[k]);
        json_array_end(&w);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct info i = {.prefix = ""};
    struct err err = ERR_INIT;
    if (cmd_bool(call, "thanks")) {
        fprintf(
            bd->out,
            "bd stands on the work of everybody who contributed to beads and to Dolt. Thank you.\n");
        return 0;
    }
    if (cmd_bool(call, "whats-new"))
        return whats_new(bd);
    if (collect(bd, &i, &err))
        return cmd_fail(bd, "%s", err.msg);
    if (i.sample_count)
        i.prefix = prefix_of(&bd->arena, i.samples[0]);
    if (bd->json)
        print_json(bd, &i, cmd_bool(call, "schema"));
    else
        print_text(bd, &i, cmd_bool(call, "schema"));
    return 0;
}

const struct cmd cmd_info = {
    .name = "info",
    .use = "info",
    .summary = "Print what database is in use and what it holds",
    .group = "Setup & Configuration",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "schema", .kind = FLAG_BOOL, .help = "Tables, version, sample ids too"},
            {.name = "whats-new", .kind = FLAG_BOOL, .help = "What changed in recent versions"},
            {.name = "thanks", .kind = FLAG_BOOL, .help = "Thanks to the contributors"},
            {0},
        },
    .run = run,
};
