/*
 * The runbook as one command: says each step, asks once, and ends with what was gained and where the
 * copy is. The work itself is db_recover's.
 */
#include "bd/cmd/gc_recover.h"

#include "bd/cmd/fsck.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"
#include "store/db/recover.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define ESCALATE_BELOW_PERCENT 10u
#define ESCALATE_FROM_BYTES (UINT64_C(2) << 30) /* smaller ones are not worth a word */

static const char *const step_texts[RECOVER_STEPS] = {
    [RECOVER_EXCLUDE] = "no other process holds the database",
    [RECOVER_SPACE] = "twice its size is free",
    [RECOVER_COPY] = "copy .dolt to .dolt.bak-<time>, compare the copy",
    [RECOVER_REPAIR] = "check everything; mend what can be mended without loss",
    [RECOVER_COLLECT] = "collect what nothing refers to",
    [RECOVER_CHECK] = "check everything again",
    [RECOVER_ROLL_BACK] = "put the copy back",
};

struct show {
    struct bd *bd;
    enum recover_step step;
    bool begun;
    struct progress line;
};

static bool show_step(void *ctx, enum recover_step step, uint64_t done, uint64_t total) {
    struct show *s = ctx;
    struct bd *bd = s->bd;
    if (!s->begun || step != s->step) {
        if (s->begun)
            progress_end(&s->line);
        if (!bd->json)
            fprintf(bd->out, "%d. %s\n", (int)step + 1, step_texts[step]);
        fflush(bd->out);
        progress_begin(&s->line, bd->err, bd->stderr_tty && !bd->quiet, step_texts[step]);
        s->begun = true;
        s->step = step;
    } else {
        progress_at(&s->line, done, total);
    }
    return true;
}

static bool confirmed(struct bd *bd, const char *dir) {
    char answer[16] = "";
    if (!isatty(STDIN_FILENO) || bd->json)
        return false;
    fprintf(bd->out, "Recover %s? Nothing else may use it meanwhile. [y/N] ", dir);
    fflush(bd->out);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void print_end(struct bd *bd, const struct recover_result *r) {
    struct arena *a = &bd->arena;
    fsck_print_steps(bd, &r->repair);
    fprintf(bd->out, "%s %s → %s (%u %% reclaimed)%s\n",
            ink_text(a, bd->color, INK_PASS, "✓ Recovered:"), text_bytes(a, r->bytes_before),
            text_bytes(a, r->bytes_after), r->percent,
            r->nothing_to_do ? "; nothing was left to collect" : "");
    fprintf(bd->out, "The copy is %s; remove it when you are sure.\n", r->backup);
    if (r->percent < ESCALATE_BELOW_PERCENT && r->bytes_after >= ESCALATE_FROM_BYTES)
        fputs("Little was reclaimed: nearly all of it is live history. 'bd flatten' or 'bd compact' "
              "shorten "
              "that. If the size is a\nriddle, report it with: bd version, du -sh .dolt, dolt log "
              "--oneline "
              "| wc -l, a part of dolt log --stat, bd doctor --verbose;\nand keep the copy.\n",
              bd->out);
}

static void json_end_of(struct bd *bd, const char *dir, const struct recover_result *r,
                        const char *error, bool dry_run) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "database", dir);
    json_member_bool(&w, "dry_run", dry_run);
    json_member_bool(&w, "recovered", !error && !dry_run);
    json_member_str_opt(&w, "error", error);
    json_member_str_opt(&w, "backup", r->backup);
    json_member_str_opt(&w, "failed", r->failed);
    json_member_bool(&w, "rolled_back", r->rolled_back);
    json_member_int(&w, "bytes_before", (int64_t)r->bytes_before);
    json_member_int(&w, "bytes_free", (int64_t)r->bytes_free);
    json_member_int(&w, "bytes_after", (int64_t)r->bytes_after);
    json_member_int(&w, "reclaimed_percent", r->percent);
    fsck_json_steps(&w, &r->repair);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

int gc_recover(struct bd *bd, const struct cmd_call *c) {
    bool dry_run = cmd_bool(c, "dry-run");
    const char *dir = fsck_directory(bd, NULL);
    int64_t level = cmd_int(c, "archive-level");
    if (!dir)
        return cmd_fail_hint(bd, "name it with --db", "no beads database found");
    if (cmd_fail_interrupted(bd, dir))
        return 1;
    if (level != 0 && level != 1)
        return cmd_fail(bd, "--archive-level must be 0 (table files) or 1 (archives)");
    if (bd->read_only && !dry_run)
        return cmd_fail(bd, "--readonly: nothing is recovered; --dry-run tells what would be done");
    if (!dry_run && !cmd_bool(c, "yes") && !confirmed(bd, dir))
        return cmd_fail_hint(bd, "'bd gc --recover --dry-run' tells what would be done",
                             "recovering needs --yes where nobody can be asked");
    struct show show = {.bd = bd};
    struct recover_options o = {.table_files = level == 0,
                                .full = cmd_bool(c, "full"),
                                .dry_run = dry_run,
                                .progress = show_step,
                                .progress_ctx = &show};
    struct recover_result r;
    struct err err = ERR_INIT;
    int rc = db_recover(dir, &o, &r, &err);
    if (show.begun)
        progress_end(&show.line);
    int status = 0;
    if (bd->json) {
        json_end_of(bd, dir, &r, rc == BD_OK ? NULL : err.msg, dry_run);
        status = rc == BD_OK ? 0 : 1;
    } else if (rc != BD_OK) {
        fsck_print_steps(bd, &r.repair);
        if (r.backup)
            fprintf(bd->out, "The copy is %s\n", r.backup);
        if (r.failed)
            fprintf(bd->out, "What was rolled back is %s\n", r.failed);
        status = cmd_fail(bd, "%s", err.msg);
    } else if (dry_run) {
        for (int s = RECOVER_COPY; s < RECOVER_ROLL_BACK; s++)
            fprintf(bd->out, "%d. %s (not done)\n", s + 1, step_texts[s]);
        fprintf(bd->out, "%s in %s, %s free\n", text_bytes(&bd->arena, r.bytes_before), dir,
                text_bytes(&bd->arena, r.bytes_free));
    } else {
        print_end(bd, &r);
    }
    recover_result_release(&r);
    return status;
}
