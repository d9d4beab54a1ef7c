/*
 * Are the bytes right? The quick check looks at files, journal and heads every time; the deep one reads
 * every chunk and row. Repairs that lose nothing are made by --fix (originals set aside); the others
 * are named only.
 */
#include "doctor/families.h"

#include "base/os.h"
#include "store/db/repair.h"
#include "store/remote/interrupted.h"

#include <string.h>

static void report(struct doctor *d, struct doctor_result *r, const struct fsck_report *f, bool deep) {
    struct buf text = BUF_INIT;
    size_t shown = 0;
    bool mendable = false, costly = false;
    for (int severity = FSCK_ERROR; severity >= FSCK_WARNING; severity--)
        for (size_t i = 0; i < f->count; i++) {
            const struct fsck_finding *x = &f->findings[i];
            if ((int)x->severity != severity)
                continue;
            if (shown++ < 5)
                buf_addf(&text, "%s%s: %s", text.size ? "\n" : "", fsck_code_name(x->code), x->message);
            mendable = mendable || (REPAIR_BIT(x->repair) & REPAIR_SAFE);
            costly = costly || x->repair == REPAIR_REVIVE || x->repair == REPAIR_RESET;
        }
    if (shown > 5)
        buf_addf(&text, "\n(+%zu more)", shown - 5);
    if (f->errors)
        doctor_bad(d, r, "%zu error(s) in the stored data", f->errors);
    else if (f->warnings)
        doctor_warn(d, r, "%zu thing(s) to mend in the stored data", f->warnings);
    else if (deep)
        doctor_ok(d, r, "%llu chunks, %llu rows, %llu commits are whole",
                  (unsigned long long)f->summary.chunks, (unsigned long long)f->summary.rows,
                  (unsigned long long)f->summary.commits);
    else
        doctor_ok(d, r, "Files, journal and heads are whole");
    if (shown)
        doctor_detail(d, r, "%s", text.data);
    buf_release(&text);
    if (r->status == DOCTOR_OK)
        return;
    if (mendable)
        doctor_offer(d, r, "mend what can be mended without loss (the originals are set aside)");
    else if (costly)
        doctor_hint(d, r,
                    "Make a copy of %s first; then run 'bd fsck --repair --dry-run', which says what "
                    "each way back would cost",
                    d->ws->database_dir);
    else
        doctor_hint(d, r,
                    "Run 'bd fsck' for the whole list. Bring the data back from a backup or a clone: "
                    "'bd backup status', "
                    "'bd bootstrap --dry-run' show what there is");
}

static bool tell(void *ctx, const struct fsck_progress *p) {
    const struct doctor_options *o = ctx;
    return !o->progress || o->progress(o->progress_ctx, p->phase, p->done, p->total);
}

static void check(struct doctor *d, struct doctor_result *r, enum fsck_level level) {
    struct fsck_options o = {.level = level, .progress = tell, .progress_ctx = &d->options};
    struct fsck_report f;
    struct err err = ERR_INIT;
    if (!d->ws->database_dir || !os_is_dir(d->ws->database_dir) ||
        (d->ws->mode && strcmp(d->ws->mode, "server") == 0)) {
        doctor_ok(d, r, "N/A (no database)");
        return;
    }
    fsck_report_init(&f);
    int rc = db_fsck(d->ws->database_dir, &o, &f, &err);
    if (rc == BD_OK) {
        report(d, r, &f, level == FSCK_DEEP);
    } else if (rc == BD_UNSUPPORTED && d->x) {
        doctor_ok(d, r, "Not checked: %s", err.msg);
    } else {
        doctor_bad(d, r, "Integrity cannot be checked");
        doctor_detail(d, r, "%s", err.msg);
    }
    fsck_report_release(&f);
}

/* Nothing stands where the database should: a replacement was interrupted between its two renames. */
static bool is_interrupted(struct doctor *d, struct doctor_result *r) {
    struct interrupted half;
    if (!d->ws->database_dir || !interrupted_find(d->ws->database_dir, d->arena, &half))
        return false;
    doctor_bad(d, r, "The database was being replaced when that was interrupted");
    doctor_detail(d, r, "%s is not there; complete, to stand there: %s%s%s", half.place, half.ready,
                  half.former ? "\nwhat stood there before: " : "", half.former ? half.former : "");
    doctor_offer(d, r, "put it in its place (nothing is removed)");
    return true;
}

void integrity_quick(struct doctor *d, struct doctor_result *r) {
    if (!is_interrupted(d, r))
        check(d, r, FSCK_QUICK);
}
void integrity_deep(struct doctor *d, struct doctor_result *r) { check(d, r, FSCK_DEEP); }

/* Errors that a quick check still finds; 0 when it cannot be made. */
static size_t errors_left(const char *dir) {
    struct fsck_options o = {.level = FSCK_QUICK};
    struct fsck_report f;
    fsck_report_init(&f);
    size_t n = db_fsck(dir, &o, &f, NULL) == BD_OK ? f.errors : 0;
    fsck_report_release(&f);
    return n;
}

int integrity_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct repair_options o = {.actions = REPAIR_SAFE, .progress = tell, .progress_ctx = &d->options};
    struct repair_result result = {0};
    struct buf left = BUF_INIT;
    const char *dir = d->ws->database_dir;
    bool replaced = false;
    int rc = dir ? interrupted_finish(dir, &replaced, err) : BD_OK;
    if (replaced)
        doctor_did(rp, "Put the database in its place: %s", dir);
    if (rc != BD_OK || replaced || !dir || !os_is_dir(dir))
        return rc;
    rc = db_repair(dir, &o, &result, err);
    for (size_t i = 0; i < result.count; i++) {
        if (result.steps[i].done)
            doctor_did(rp, "%s", result.steps[i].message);
        else
            buf_addf(&left, "%s%s", left.size ? "; " : "", result.steps[i].message);
    }
    if (result.aside)
        doctor_did(rp, "The originals are in %s", result.aside);
    size_t errors = rc == BD_OK ? errors_left(dir) : 0;
    if (errors && !left.size)
        buf_addf(&left, "%zu error(s) cannot be mended from what is here; 'bd fsck' lists them",
                 errors);
    if (rc == BD_OK && left.size)
        rc = err_set(err, BD_CORRUPT, "%s%s%s", buf_str(&rp->said), rp->said.size ? "; but: " : "",
                     left.data);
    buf_release(&left);
    repair_result_release(&result);
    return rc;
}
