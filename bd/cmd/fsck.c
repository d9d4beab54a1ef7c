/* bd fsck: is the database sound, and mending it where that loses nothing. */
#include "bd/cmd/fsck.h"

#include "base/os.h"
#include "bd/cmd/commands.h"
#include "bd/ui/ink.h"

#include <inttypes.h>
#include <string.h>

const char *fsck_directory(struct bd *bd, const char *argument) {
    if (argument && os_is_dir(arena_printf(&bd->arena, "%s/.beads", argument))) {
        struct workspace_request rq = {.start_dir = argument};
        struct workspace ws;
        if (workspace_find(&rq, &bd->arena, &ws, NULL) == BD_OK && ws.database_dir)
            return ws.database_dir;
    }
    if (argument)
        return argument;
    if (bd->db_flag && os_is_dir(bd->db_flag)) {
        const char *inside[] = {".dolt", "noms", "manifest"};
        for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
            if (os_exists(arena_printf(&bd->arena, "%s/%s", bd->db_flag, inside[i])))
                return bd->db_flag;
    }
    if (bd_find_workspace(bd) != 0 || !bd->ws.database_dir)
        return NULL;
    return bd->ws.database_dir;
}

/* Progress of a check; ctx = struct progress. */
static bool fsck_show_progress(void *ctx, const struct fsck_progress *p) {
    progress_step(ctx, p->phase);
    progress_at(ctx, p->done, p->total);
    return true;
}

/* ---- printing ---- */

static const char *advice(const struct fsck_finding *f) {
    if (f->code == FSCK_CLOSURE_WRONG && f->repair == REPAIR_NONE)
        return "no row is affected, and every clone and backup has the same: a commit's address covers "
               "its "
               "closure. It is left as it is; merges that involve the commit may ask about more than "
               "they "
               "have to";
    switch (f->repair) {
    case REPAIR_FILES:
        return "'bd fsck --repair' looks for an intact copy in all files here and in backups and "
               "remotes "
               "that are folders, with --search DIR elsewhere too, and makes again what follows from "
               "other "
               "data";
    case REPAIR_TAIL:
    case REPAIR_MANIFEST:
    case REPAIR_JOURNAL_INDEX:
    case REPAIR_INDEXES:
    case REPAIR_REPO_STATE: return "'bd fsck --repair' mends it; originals are set aside first";
    case REPAIR_SALVAGE:
        return "'bd fsck --repair' makes a new journal of its sound records if that loses nothing; "
               "failing "
               "that, restore a backup ('bd fsck --help' tells the last resorts)";
    case REPAIR_REVIVE: return "restore a backup ('bd fsck --help' tells the last resorts)";
    case REPAIR_RESET:
        return "restore a backup; 'bd fsck --repair --dry-run' tells which commits are whole";
    case REPAIR_NOT_NEEDED: return "no branch or working set needs it; 'bd gc' removes it";
    default: return "restore a backup, or clone the database again";
    }
}

static void print_findings(struct bd *bd, const struct fsck_report *r, enum fsck_severity severity,
                           const char *title, enum ink ink) {
    bool titled = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct fsck_finding *f = &r->findings[i];
        if (f->severity != severity)
            continue;
        if (!titled)
            fprintf(bd->out, "%s\n", ink_text(&bd->arena, bd->color, ink, title));
        titled = true;
        fprintf(bd->out, "%s: %s\n", fsck_code_name(f->code), f->message);
        if (severity != FSCK_NOTE && (i + 1 == r->count || r->findings[i + 1].code != f->code ||
                                      r->findings[i + 1].repair != f->repair))
            fprintf(bd->out, "    %s\n", advice(f));
    }
    for (int c = 0; c < FSCK_CODES && titled; c++) {
        size_t more = r->per_code[c] - r->listed[c];
        for (size_t i = 0; i < r->count && more; i++)
            if ((int)r->findings[i].code == c && r->findings[i].severity == severity) {
                fprintf(bd->out, "%s: %zu more\n", fsck_code_name((enum fsck_code)c), more);
                break;
            }
    }
}

static void fsck_print_report(struct bd *bd, const struct fsck_report *r, enum fsck_level level) {
    const struct fsck_summary *s = &r->summary;
    print_findings(bd, r, FSCK_ERROR, "============ Problems ============", INK_FAIL);
    print_findings(bd, r, FSCK_WARNING, "============ Warnings ============", INK_WARN);
    if (bd->verbose || (r->errors && !bd->quiet))
        print_findings(bd, r, FSCK_NOTE, "============ Notes ============", INK_MUTED);
    if (!bd->quiet && level == FSCK_DEEP) {
        fputs("============ Summary ============\n", bd->out);
        fprintf(bd->out, "Refs found: %" PRIu64 "\n", s->refs);
        fprintf(bd->out, "Commit objects found: %" PRIu64 "\n", s->commits);
        fprintf(bd->out,
                "Chunks: %" PRIu64 " in %" PRIu64 " files (%" PRIu64 " reachable, %" PRIu64
                " unreachable), %" PRIu64 " bytes\n",
                s->chunks, s->files, s->reachable, s->unreachable, s->bytes);
        fprintf(bd->out,
                "Versions of tables: %" PRIu64 ", with %" PRIu64 " rows; long values: %" PRIu64 "\n",
                s->tables, s->rows, s->values);
    }
    if (!r->errors)
        fputs("No problems found.\n", bd->out);
    else
        fprintf(bd->out, "%zu problem%s found.\n", r->errors, r->errors == 1 ? "" : "s");
}

static void fsck_json_report(struct json_writer *w, const struct fsck_report *r) {
    const struct fsck_summary *s = &r->summary;
    char text[HASH_TEXT_SIZE + 1];
    json_member_bool(w, "clean", r->errors == 0);
    json_member_int(w, "errors", (int64_t)r->errors);
    json_member_int(w, "warnings", (int64_t)r->warnings);
    json_member_int(w, "notes", (int64_t)r->notes);
    json_key(w, "findings");
    json_array(w);
    for (size_t i = 0; i < r->count; i++) {
        const struct fsck_finding *f = &r->findings[i];
        json_object(w);
        json_member_str(w, "severity", fsck_severity_name(f->severity));
        json_member_str(w, "code", fsck_code_name(f->code));
        json_member_str(w, "message", f->message);
        json_member_str(w, "repair", fsck_repair_name(f->repair));
        if (!hash_is_zero(&f->address)) {
            hash_format(&f->address, text);
            json_member_str(w, "address", text);
        }
        json_member_str_opt(w, "table", f->table);
        json_member_str_opt(w, "file", f->file);
        json_object_end(w);
    }
    json_array_end(w);
    json_key(w, "summary");
    json_object(w);
    hash_format(&s->root, text);
    json_member_str(w, "root", text);
    json_member_int(w, "files", (int64_t)s->files);
    json_member_int(w, "chunks", (int64_t)s->chunks);
    json_member_int(w, "bytes", (int64_t)s->bytes);
    json_member_int(w, "reachable", (int64_t)s->reachable);
    json_member_int(w, "unreachable", (int64_t)s->unreachable);
    json_member_int(w, "unreachable_bytes", (int64_t)s->unreachable_bytes);
    json_member_int(w, "refs", (int64_t)s->refs);
    json_member_int(w, "commits", (int64_t)s->commits);
    json_member_int(w, "roots", (int64_t)s->roots);
    json_member_int(w, "tables", (int64_t)s->tables);
    json_member_int(w, "rows", (int64_t)s->rows);
    json_member_int(w, "values", (int64_t)s->values);
    json_object_end(w);
}

void fsck_print_steps(struct bd *bd, const struct repair_result *r) {
    for (size_t i = 0; i < r->count; i++)
        fprintf(bd->out, "%s %s: %s\n",
                r->steps[i].done ? ink_text(&bd->arena, bd->color, INK_PASS, "✓")
                                 : ink_text(&bd->arena, bd->color, INK_WARN, "·"),
                fsck_repair_name(r->steps[i].action), r->steps[i].message);
    if (r->aside)
        fprintf(bd->out, "Originals: %s\n", r->aside);
}

void fsck_json_steps(struct json_writer *w, const struct repair_result *r) {
    json_key(w, "repairs");
    json_array(w);
    for (size_t i = 0; i < r->count; i++) {
        json_object(w);
        json_member_str(w, "action", fsck_repair_name(r->steps[i].action));
        json_member_bool(w, "done", r->steps[i].done);
        json_member_str(w, "message", r->steps[i].message);
        json_object_end(w);
    }
    json_array_end(w);
    json_member_str_opt(w, "aside", r->aside);
    json_member_bool(w, "lost_data", r->lost_data);
}

/* ---- the command ---- */

static int run_revive(struct bd *bd, const char *dir) {
    const char *saved = NULL;
    uint64_t cut = 0;
    struct err err = ERR_INIT;
    if (db_revive_journal(dir, &bd->arena, &saved, &cut, &err) != BD_OK)
        return cmd_fail(bd, "could not revive the journal: %s", err.msg);
    if (!bd->json) {
        fprintf(bd->out,
                "Revived chunk journal; %" PRIu64
                " bytes behind the damage were given up. The original "
                "is at:\n%s\n",
                cut, saved);
        return 0;
    }
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "saved", saved);
    json_member_int(&w, "cut_bytes", (int64_t)cut);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *dir = fsck_directory(bd, cmd_arg_count(c) ? cmd_arg(c, 0) : NULL);
    bool repair = cmd_bool(c, "repair"), dry_run = cmd_bool(c, "dry-run");
    if (!dir)
        return cmd_fail_hint(bd, "name the database: bd fsck DIR", "no beads database found");
    if (cmd_fail_interrupted(bd, dir))
        return 1;
    if (cmd_bool(c, "revive-journal-with-data-loss")) {
        if (bd->read_only)
            return cmd_fail(bd, "--readonly: the journal is not touched");
        return run_revive(bd, dir);
    }
    if (repair && bd->read_only && !dry_run)
        return cmd_fail(bd, "--readonly: nothing is repaired; --dry-run tells what would be done");
    struct progress line;
    struct fsck_options o = {.level = cmd_bool(c, "quick") ? FSCK_QUICK : FSCK_DEEP,
                             .progress = fsck_show_progress,
                             .progress_ctx = &line};
    struct repair_result steps = {.arena = ARENA_INIT};
    struct err err = ERR_INIT;
    progress_begin(&line, bd->err, bd->stderr_tty && !bd->quiet, "chunks");
    if (repair) {
        struct repair_options ro = {.actions = REPAIR_SAFE,
                                    .dry_run = dry_run,
                                    .progress = fsck_show_progress,
                                    .progress_ctx = &line};
        size_t count;
        const char *const *search = cmd_list(c, "search", &count);
        ro.search = search;
        ro.search_count = count;
        if (cmd_given(c, "reset-branch")) {
            ro.actions |= REPAIR_BIT(REPAIR_RESET);
            ro.branch = cmd_str(c, "reset-branch");
        }
        int rc = db_repair(dir, &ro, &steps, &err);
        progress_end(&line);
        if (rc != BD_OK) {
            if (!bd->json)
                fsck_print_steps(bd, &steps);
            repair_result_release(&steps);
            return cmd_fail(bd, "%s", err.msg);
        }
    }
    struct fsck_report r;
    fsck_report_init(&r);
    int rc = db_fsck(dir, &o, &r, &err);
    progress_end(&line);
    bool clean = rc == BD_OK && r.errors == 0;
    if (rc != BD_OK) {
        fsck_report_release(&r);
        repair_result_release(&steps);
        return cmd_fail(bd, "%s", err.msg);
    }
    if (bd->json) {
        struct json_writer w;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "database", dir);
        json_member_str(&w, "level", o.level == FSCK_QUICK ? "quick" : "deep");
        fsck_json_report(&w, &r);
        if (repair)
            fsck_json_steps(&w, &steps);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fsck_print_steps(bd, &steps);
        fsck_print_report(bd, &r, o.level);
    }
    fsck_report_release(&r);
    repair_result_release(&steps);
    return clean ? 0 : 1;
}

static const struct cmd_flag flags[] = {
    {.name = "deep",
     .kind = FLAG_BOOL,
     .help = "Check everything: chunks, history, rows, indexes (default)"},
    {.name = "quick",
     .kind = FLAG_BOOL,
     .help = "Only what every command relies on; takes milliseconds"},
    {.name = "repair", .kind = FLAG_BOOL, .help = "Mend what can be mended without losing anything"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "With --repair: only tell what would be done"},
    {.name = "search",
     .kind = FLAG_ARRAY,
     .value_name = "dir",
     .help = "With --repair: another place where missing files may lie"},
    {.name = "reset-branch",
     .kind = FLAG_STRING,
     .value_name = "branch",
     .no_value = "",
     .help = "With --repair: move a damaged branch back to its newest whole commit"},
    {.name = "revive-journal-with-data-loss",
     .kind = FLAG_BOOL,
     .help = "Cut the journal before its damage; the commits behind it are lost, a copy is kept"},
    {0},
};

static const char *const exclusive[] = {"deep quick", NULL};

const struct cmd cmd_fsck = {
    .name = "fsck",
    .use = "fsck [directory] [flags]",
    .summary = "Check the database for damage, and repair it",
    .details =
        "Reads the whole database and verifies it: files, checksums and hashes, references, commits "
        "and\n"
        "their closures, the shape of trees, rows against their schemas, indexes against the rows, and "
        "long\n"
        "values. Nothing is written, and other processes may go on working.\n"
        "\n"
        "With --repair it first mends what can be mended without dropping anything that a commit or a\n"
        "working set needs. Files that are changed are copied to .dolt/repair-<time> before.\n"
        "\n"
        "The last resorts, when no backup and no other clone has what is missing: --repair "
        "--reset-branch\n"
        "keeps all that is sound and moves damaged branches to their newest whole commits;\n"
        "--revive-journal-with-data-loss gives up everything behind the damage. Both keep the "
        "originals.\n"
        "\n"
        "The exit status is 0 only when no error is found; warnings and notes do not count.",
    .examples = "  bd fsck                     # everything\n"
                "  bd fsck --quick             # a few milliseconds\n"
                "  bd fsck --repair --dry-run  # what would be done\n"
                "  bd fsck path/to/database    # any Dolt database, file remote or backup",
    .group = "Maintenance",
    .args_max = 1,
    .flags = flags,
    .exclusive = exclusive,
    .cls = CMD_NO_STORE,
    .run = run,
};
