/* bd import: an issue export (JSONL) into the database, all of it or nothing. */
#include "bd/cmd/commands.h"

#include "bd/cmd/import_source.h"

#include <string.h>

/* ---- answers ---- */

struct answer {
    const char *source;
    size_t created, skipped, duplicates, memories;
    const struct import_result *result; /* NULL: nothing was put in */
    const struct import_source *from;
    bool dry_run;
};

static void texts(struct json_writer *w, const char *key, const char *const *items, size_t count) {
    if (!count)
        return;
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < count; i++)
        json_str(w, items[i]);
    json_array_end(w);
}

static void answer_json(struct bd *bd, const struct answer *a) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    const struct import_result *r = a->result;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "source", a->source);
    json_member_int(&w, "created", (int64_t)a->created);
    json_member_int(&w, "skipped", (int64_t)a->skipped);
    json_member_int_opt(&w, "dedup_skipped", (int64_t)a->duplicates);
    json_member_int_opt(&w, "memories", (int64_t)a->memories);
    if (r) {
        json_member_int_opt(&w, "events", (int64_t)r->events);
        json_member_int_opt(&w, "settings", (int64_t)r->settings);
        texts(&w, "ids", r->ids, r->id_count);
        texts(&w, "stale_skipped_ids", r->stale_ids, r->stale_count);
        texts(&w, "skipped_dependencies", r->skipped_dependencies, r->skipped_count);
        if (r->unknown_type_count) {
            json_key(&w, "unknown_types");
            json_array(&w);
            for (size_t i = 0; i < r->unknown_type_count; i++)
                json_str(&w, r->unknown_types[i].name);
            json_array_end(&w);
        }
    }
    json_member_bool_opt(&w, "dry_run", a->dry_run);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void answer_text(struct bd *bd, const struct answer *a) {
    const struct import_result *r = a->result;
    if (a->dry_run)
        fprintf(bd->err, "Would import %zu issues and %zu memories from %s", a->created, a->memories,
                a->source);
    else if (a->memories)
        fprintf(bd->err, "Imported %zu issues and %zu memories from %s", a->created, a->memories,
                a->source);
    else
        fprintf(bd->err, "Imported %zu issues from %s", a->created, a->source);
    if (a->duplicates)
        fprintf(bd->err, " (%zu duplicates skipped)", a->duplicates);
    if (!a->dry_run && a->skipped > a->duplicates)
        fprintf(bd->err, " (%zu stale skipped)", a->skipped - a->duplicates);
    fputc('\n', bd->err);
    if (r)
        import_source_report(a->from, r);
}

static int answer(struct bd *bd, const struct answer *a) {
    if (bd->json && a->from && a->from->note)
        fputs(a->from->note, bd->err);
    if (bd->json)
        answer_json(bd, a);
    else
        answer_text(bd, a);
    return 0;
}

/* ---- the command ---- */

static int dry_run(struct bd *bd, const struct cmd_call *call, const struct import_data *d,
                   const char *source) {
    struct answer a = {
        .source = source, .created = d->count, .memories = d->memory_count, .dry_run = true};
    struct err err = ERR_INIT;
    struct tables_txn *x;
    if (cmd_bool(call, "dedup")) {
        int rc = tables_read_begin(bd->ops.tables, &x, &err);
        if (rc == BD_OK) {
            rc = import_count_duplicates(x, d, &a.duplicates, &err);
            tables_read_end(x);
        }
        if (rc)
            return cmd_fail_usage(bd, call, "import failed: %s", err.msg);
        a.created -= a.duplicates;
        a.skipped = a.duplicates;
    }
    return answer(bd, &a);
}

static int put_in(struct bd *bd, const struct cmd_call *call, struct import_source *from) {
    const char *source = from->path;
    struct import_data *d = &from->data;
    struct import_options options = {.source = import_source_name(source),
                                     .dedup = cmd_bool(call, "dedup")};
    struct import_result result = {0};
    struct err err = ERR_INIT;
    int rc = BD_OK;
    import_source_forgettable(from, &options);
    import_source_show(from, &options);
    if (d->count || d->memory_count || d->row_count)
        rc = import_run(&bd->ops, d, &options, &bd->arena, &result, &err);
    progress_end(&from->progress);
    if (rc)
        return cmd_fail_usage(bd, call, "import failed: %s", err.msg);
    struct answer a = {.source = source,
                       .created = result.imported,
                       .skipped = result.stale + result.duplicates,
                       .duplicates = result.duplicates,
                       .memories = result.memories,
                       .result = &result,
                       .from = from};
    return answer(bd, &a);
}

static int empty_file(struct bd *bd, const char *path) {
    struct answer a = {.source = path};
    if (bd->json)
        return answer(bd, &a);
    fprintf(bd->err, "Empty file: %s\n", path);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    const char *path = cmd_str(call, "input");
    struct import_source source;
    struct err err = ERR_INIT;
    int rc;
    if (*path && cmd_arg_count(call))
        return cmd_fail_usage(bd, call, "use either --input or a positional file, not both");
    if (!*path)
        path = cmd_arg_count(call) ? cmd_arg(call, 0) : import_source_default(bd);
    if (import_source_read(bd, path, &source, &err))
        rc = cmd_fail_usage(bd, call, "%s", err.msg);
    else if (source.empty)
        rc = empty_file(bd, path);
    else
        rc = cmd_bool(call, "dry-run") ? dry_run(bd, call, &source.data, source.path)
                                       : put_in(bd, call, &source);
    import_source_release(&source);
    return rc;
}

const struct cmd cmd_import = {
    .name = "import",
    .use = "import [file|-]",
    .summary = "Import issues from a JSONL file or standard input",
    .group = "Sync & Data",
    .details = "Reads issues, memories and their relations from an export (one JSON object per line) "
               "and puts them into the\n"
               "database in one transaction: all of it, or nothing when a line cannot be read or an "
               "issue is not valid.\n\n"
               "New issues are created, existing ones are refreshed; a record that is older than the "
               "issue in the database\n"
               "(updated_at) is skipped. Labels, comments and dependencies are only ever added. A "
               "dependency whose target\n"
               "is missing, or that would close a cycle, is skipped and reported. Without a file the "
               "one named by\n"
               "import.path is read (.beads/issues.jsonl); a folder is read as a backup set of older "
               "versions\n"
               "(issues, labels, comments, dependencies, events and config, each in a .jsonl file). "
               "Only \"title\" is "
               "required in a record.",
    .examples = "  bd import\n  bd import backup.jsonl\n  bd import --dry-run backup.jsonl\n  other-bd "
                "export | bd import -",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "input",
             .shorthand = 'i',
             .kind = FLAG_STRING,
             .help = "Read JSONL from this file"},
            {.name = "dry-run",
             .kind = FLAG_BOOL,
             .help = "Show what would be imported, change nothing"},
            {.name = "dedup", .kind = FLAG_BOOL, .help = "Skip records whose title an open issue has"},
            {0},
        },
    .cls = CMD_WRITES,
    .run = run,
};
