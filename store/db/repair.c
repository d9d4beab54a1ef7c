/*
 * Mending: which repairs the findings call for, and their order. Files first, under noms/LOCK; then,
 * when the store opens again, what is written like any other change (indexes, branches).
 */
#include "store/db/repair.h"

#include "base/os.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/lock.h"
#include "store/chunk/repair.h"
#include "store/db/fsck_check.h"
#include "store/db/repair_steps.h"
#include "store/db/repo_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_MS 1000u

void repair_result_release(struct repair_result *r) {
    free(r->steps);
    arena_release(&r->arena);
    *r = (struct repair_result){.arena = ARENA_INIT};
}

void repair_step_add(struct repair *x, enum fsck_repair action, bool done, const char *fmt, ...) {
    struct repair_result *r = x->r;
    struct buf text = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    MEM_GROW(r->steps, r->capacity, r->count + 1);
    r->steps[r->count++] =
        (struct repair_step){action, done, arena_strndup(&r->arena, buf_str(&text), text.size)};
    buf_release(&text);
}

/* ---- setting aside ---- */

static int make_aside(struct repair *x, struct err *err) {
    if (x->r->aside)
        return BD_OK;
    struct tm tm;
    time_t now = time(NULL);
    char stamp[32];
    localtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    const char *base = x->place.dot ? x->place.dot : x->place.noms;
    for (int i = 0; i < 1000; i++) {
        char *path = i ? arena_printf(&x->r->arena, "%s/repair-%s-%d", base, stamp, i)
                       : arena_printf(&x->r->arena, "%s/repair-%s", base, stamp);
        if (os_mkdir(path, 0755) == 0) {
            if (os_fsync_dir(base) < 0)
                return err_errno(err, "cannot sync %s", base);
            x->r->aside = path;
            return BD_OK;
        }
        if (errno != EEXIST)
            return err_errno(err, "cannot create %s", path);
    }
    return err_set(err, BD_IO, "cannot create a directory for originals in %s", base);
}

int repair_set_aside(struct repair *x, const char *path, uint64_t from, const char *name,
                     struct err *err) {
    struct stat st;
    uint64_t space;
    if (os_stat(path, &st) < 0)
        return errno == ENOENT ? BD_OK : err_errno(err, "cannot read %s", path);
    const char *base = x->place.dot ? x->place.dot : x->place.noms;
    if (os_free_space(base, &space) == 0 && space < (uint64_t)st.st_size - from + (4u << 20))
        return err_set(err, BD_NO_SPACE,
                       "not enough space to set %s aside first: %llu bytes are needed, %llu free", path,
                       (unsigned long long)((uint64_t)st.st_size - from), (unsigned long long)space);
    int rc = make_aside(x, err);
    if (rc != BD_OK)
        return rc;
    char *target = arena_printf(&x->r->arena, "%s/%s", x->r->aside, name);
    if (os_exists(target))
        return BD_OK; /* an earlier step did */
    rc = repair_copy(path, from, UINT64_MAX, target, err);
    if (rc == BD_OK && os_fsync_dir(x->r->aside) < 0)
        rc = err_errno(err, "cannot sync %s", x->r->aside);
    return rc;
}

/* The manifest, the indexes, repo_state.json: small, and always worth having. */
static int set_small_files_aside(struct repair *x, struct err *err) {
    struct arena *a = &x->r->arena;
    const char *noms = x->place.noms;
    int rc = repair_set_aside(x, arena_printf(a, "%s/manifest", noms), 0, "manifest", err);
    if (rc == BD_OK)
        rc =
            repair_set_aside(x, arena_printf(a, "%s/oldgen/manifest", noms), 0, "oldgen-manifest", err);
    if (rc == BD_OK)
        rc = repair_set_aside(x, arena_printf(a, "%s/journal.idx", noms), 0, "journal.idx", err);
    if (rc == BD_OK && x->place.dot)
        rc = repair_set_aside(x, arena_printf(a, "%s/repo_state.json", x->place.dot), 0,
                              "repo_state.json", err);
    return rc;
}

/* ---- the steps on files ---- */

static const char *journal_of(struct repair *x) {
    return arena_printf(&x->r->arena, "%s/" JOURNAL_FILE, x->place.noms);
}

static int salvage(struct repair *x, bool only_if_sound, bool *done, struct err *err);

/*
 * A last commit behind a damaged place is not loss by Dolt's rule, and Dolt drops it. If it can be kept
 * with all it needs, it is.
 */
static int cut_tail(struct repair *x, const struct scan *s, struct err *err) {
    bool kept = false;
    if ((x->o->actions & REPAIR_BIT(REPAIR_SALVAGE)) &&
        repair_root_behind(x->place.noms, s->journal_end)) {
        int rc = salvage(x, true, &kept, err);
        if (rc != BD_OK || kept)
            return rc;
    }
    unsigned long long at = (unsigned long long)s->journal_end,
                       cut = (unsigned long long)(s->journal_size - s->journal_end);
    if (x->o->dry_run) {
        repair_step_add(x, REPAIR_TAIL, false,
                        "would cut %llu bytes behind the last record at %llu of the journal", cut, at);
        return BD_OK;
    }
    int rc = repair_set_aside(x, journal_of(x), s->journal_end,
                              arena_printf(&x->r->arena, "journal-tail-from-%llu", at), err);
    if (rc == BD_OK)
        rc = set_small_files_aside(x, err);
    if (rc == BD_OK)
        rc = repair_cut_journal(x->place.noms, s->journal_end, err);
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_TAIL, true,
                        "cut %llu bytes behind the last record at %llu of the journal", cut, at);
    return rc;
}

static int drop_indexes(struct repair *x, struct err *err) {
    if (x->o->dry_run) {
        repair_step_add(x, REPAIR_JOURNAL_INDEX, false, "would remove the indexes of the journal");
        return BD_OK;
    }
    int rc = set_small_files_aside(x, err);
    if (rc == BD_OK)
        rc = repair_drop_indexes(x->place.noms, err);
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_JOURNAL_INDEX, true,
                        "removed the indexes of the journal; they are made anew");
    return rc;
}

static int write_manifest(struct repair *x, const char *dir, struct manifest *m, struct err *err) {
    bool renamed;
    int rc = set_small_files_aside(x, err);
    if (rc == BD_OK)
        rc = manifest_write(dir, m, &renamed, err);
    return rc;
}

/* Without a journal to say it, the root is the one store root among the chunks, if there is just one.
 */
static bool only_store_root(struct repair *x, const struct scan *s, struct hash *root) {
    struct scan_reader *reader = scan_reader_new(s);
    size_t found = 0;
    (void)x;
    for (size_t i = 0; i < s->count; i++) {
        uint8_t *data;
        size_t size;
        if (!strncmp(s->files[s->entries[i].file].label, "oldgen/", 7) ||
            scan_read(reader, (uint32_t)i, &data, &size, NULL) != BD_OK)
            continue;
        if (message_kind_of(&(struct chunk){data, size}) == MESSAGE_STORE_ROOT &&
            (!found || !hash_eq(root, &s->entries[i].address))) {
            *root = s->entries[i].address;
            found++;
        }
        free(data);
    }
    scan_reader_free(reader);
    return found == 1;
}

static int mend_manifest(struct repair *x, const struct scan *s, struct err *err) {
    struct arena *a = &x->r->arena;
    struct manifest m = MANIFEST_INIT;
    struct hash root = s->root;
    char text[HASH_TEXT_SIZE + 1];
    const char *left_out = "";
    int rc;
    if (s->manifest_good) {
        manifest_copy(&m, &s->manifest);
        if (s->root_count)
            m.root = s->root;
        for (size_t i = 0; i < m.spec_count; i++) /* counts as the files have them */
            for (size_t f = 0, n = 0; f < s->file_count; f++, n = 0) {
                struct hash name;
                if (s->files[f].kind != SCAN_TABLE || !strncmp(s->files[f].label, "oldgen/", 7) ||
                    !hash_parse(s->files[f].label, HASH_TEXT_SIZE, &name) ||
                    !hash_eq(&name, &m.specs[i].name))
                    continue;
                for (size_t e = 0; e < s->count; e++)
                    n += s->entries[e].file == f;
                m.specs[i].count = (uint32_t)n;
            }
        m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
        rc = BD_OK;
    } else {
        if (!s->root_count && !only_store_root(x, s, &root)) {
            repair_step_add(x, REPAIR_MANIFEST, false,
                            "cannot tell which root the lost manifest named: restore it from a backup");
            return BD_OK;
        }
        rc = repair_build_manifest(x->place.noms, false, &root, a, &m, &left_out, err);
        if (rc == BD_OK && !hash_is_zero(&root) && scan_find(s, &root) == SCAN_NONE) {
            hash_format(&root, text);
            repair_step_add(x, REPAIR_MANIFEST, false,
                            "root %s is in no file: a new manifest would not help; restore a backup",
                            text);
            manifest_release(&m);
            return BD_OK;
        }
    }
    if (rc != BD_OK)
        return rc;
    hash_format(&m.root, text);
    if (!x->o->dry_run)
        rc = write_manifest(x, x->place.noms, &m, err);
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_MANIFEST, !x->o->dry_run, "%s the manifest: root %s, %zu files%s%s",
                        x->o->dry_run ? "would write" : "wrote", text, m.spec_count,
                        *left_out ? "; left out as damaged: " : "", left_out);
    manifest_release(&m);
    return rc;
}

static int mend_old_manifest(struct repair *x, struct err *err) {
    struct manifest m;
    const char *left_out, *dir = arena_printf(&x->r->arena, "%s/oldgen", x->place.noms);
    int rc = repair_build_manifest(dir, true, NULL, &x->r->arena, &m, &left_out, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK && !x->o->dry_run)
        rc = write_manifest(x, dir, &m, err);
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_MANIFEST, !x->o->dry_run, "%s the manifest of oldgen: %zu files%s%s",
                        x->o->dry_run ? "would write" : "wrote", m.spec_count,
                        *left_out ? "; left out as damaged: " : "", left_out);
    if (rc == BD_OK)
        manifest_release(&m);
    return rc;
}

/* A journal without a root record gets the manifest's root, as Dolt since 2.0.5 does. */
static int give_journal_its_root(struct repair *x, const struct scan *s, struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(&s->manifest.root, text);
    if (scan_find(s, &s->manifest.root) == SCAN_NONE) {
        repair_step_add(
            x, REPAIR_MANIFEST, false,
            "the journal holds no root, and root %s of the manifest is in no file: restore a "
            "backup",
            text);
        return BD_OK;
    }
    int rc = BD_OK;
    if (!x->o->dry_run) {
        rc = set_small_files_aside(x, err);
        if (rc == BD_OK)
            rc = repair_append_root(x->place.noms, &s->manifest.root, (uint64_t)time(NULL), err);
    }
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_MANIFEST, !x->o->dry_run,
                        "%s root %s of the manifest to the journal, which held none",
                        x->o->dry_run ? "would append" : "appended", text);
    return rc;
}

/* ---- missing files ---- */

/* Backups and remotes that are folders, and what is kept of remotes in git repositories. */
static void add_known_folders(struct repair *x, struct buf *list) {
    static const char scheme[] = "file://";
    struct arena *a = &x->r->arena;
    const char *caches = arena_printf(a, "%s/git-remote-cache", x->place.dot),
               *db = arena_printf(a, "%s/..", x->place.dot);
    char **names;
    for (int kind = 0; kind < 2; kind++) {
        struct repo_address *known;
        size_t count;
        if (repo_state_list(db, kind ? REPO_REMOTES : REPO_BACKUPS, a, &known, &count, NULL) != BD_OK)
            continue;
        for (size_t i = 0; i < count; i++) {
            const char *path = known[i].url + sizeof scheme - 1;
            if (strncmp(known[i].url, scheme, sizeof scheme - 1) == 0)
                buf_addf(list, "%s\n", path + (strncmp(path, "localhost/", 10) == 0 ? 9 : 0));
        }
    }
    size_t n = scan_list_dir(caches, a, &names);
    for (size_t i = 0; i < n; i++)
        buf_addf(list, "%s/%s/files\n", caches, names[i]);
}

/* Where a file may lie: both generations, temporary folders, copies that people and repairs made. */
void repair_search_places(struct repair *x, struct buf *list) {
    struct arena *a = &x->r->arena;
    const char *noms = x->place.noms, *dot = x->place.dot;
    for (size_t i = 0; i < x->o->search_count; i++)
        buf_addf(list, "%s\n%s/.dolt/noms\n%s/.dolt/noms/oldgen\n%s/noms\n%s/oldgen\n", x->o->search[i],
                 x->o->search[i], x->o->search[i], x->o->search[i], x->o->search[i]);
    buf_addf(list, "%s\n%s/oldgen\n", noms, noms);
    if (!dot)
        return;
    add_known_folders(x, list);
    buf_addf(list, "%s/temptf\n%s/tmp\n", dot, dot);
    for (int up = 0; up < 2; up++) {
        char **names;
        const char *dir = up ? arena_printf(a, "%s/..", dot) : dot;
        size_t n = scan_list_dir(dir, a, &names);
        for (size_t i = 0; i < n; i++) {
            if (!up && !strncmp(names[i], "repair-", 7))
                buf_addf(list, "%s/%s\n", dir, names[i]);
            if (up && !strncmp(names[i], ".dolt.bak-", 10))
                buf_addf(list, "%s/%s/noms\n%s/%s/noms/oldgen\n", dir, names[i], dir, names[i]);
        }
    }
}

static int find_one_file(struct repair *x, const char *places, const struct hash *name, bool old,
                         struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    const char *dir = arena_printf(&x->r->arena, old ? "%s/oldgen" : "%s", x->place.noms);
    hash_format(name, text);
    for (const char *at = places; *at;) {
        const char *end = strchr(at, '\n'), *found;
        const char *place = arena_strndup(&x->r->arena, at, (size_t)(end - at));
        bool archive;
        at = end + 1;
        if (repair_find_file(place, name, &x->r->arena, &found, &archive, NULL) != BD_OK)
            continue;
        int rc = x->o->dry_run ? BD_OK : repair_install_file(found, dir, name, archive, err);
        if (rc == BD_OK)
            repair_step_add(x, REPAIR_FILES, !x->o->dry_run, "%s %s back from %s",
                            x->o->dry_run ? "would bring" : "brought", text, found);
        return rc;
    }
    repair_step_add(
        x, REPAIR_FILES, false,
        "%s is nowhere to be found; 'bd fsck --repair --search DIR' looks in another clone or "
        "backup",
        text);
    return BD_OK;
}

/* A journal that holds the root that the manifest names continues where the lost one stood, or later.
 */
static bool journal_fits(const char *dir, const struct hash *root) {
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_QUICK};
    struct scan *s;
    bool fits = false;
    fsck_report_init(&ignored);
    if (scan_open(&s, dir, &o, &ignored, NULL) == BD_OK) {
        for (size_t i = 0; i < s->root_count && s->journal_good; i++)
            fits = fits || hash_eq(&s->roots[i].root, root);
        scan_close(s);
    }
    fsck_report_release(&ignored);
    return fits;
}

static int find_journal(struct repair *x, const char *places, const struct scan *s, struct err *err) {
    for (const char *at = places; *at;) {
        const char *end = strchr(at, '\n');
        const char *place = arena_strndup(&x->r->arena, at, (size_t)(end - at));
        const char *path = arena_printf(&x->r->arena, "%s/" JOURNAL_FILE, place);
        at = end + 1;
        if (!os_exists(path) || !journal_fits(place, &s->manifest.root))
            continue;
        const char *temp = arena_printf(&x->r->arena, "%s/nbs_table_repair_journal", x->place.noms);
        int rc = BD_OK;
        if (!x->o->dry_run) {
            os_unlink(temp);
            rc = repair_copy(path, 0, UINT64_MAX, temp, err);
            if (rc == BD_OK)
                rc = repair_replace_journal(x->place.noms, temp, err);
        }
        if (rc == BD_OK)
            repair_step_add(x, REPAIR_FILES, !x->o->dry_run, "%s the journal back from %s",
                            x->o->dry_run ? "would bring" : "brought", path);
        return rc;
    }
    repair_step_add(x, REPAIR_FILES, false,
                    "the journal is nowhere to be found: restore a backup, or name another copy with "
                    "'bd fsck --repair --search DIR'");
    return BD_OK;
}

static int find_files(struct repair *x, const struct scan *s, const struct fsck_report *found,
                      struct err *err) {
    struct buf places = BUF_INIT;
    int rc = BD_OK;
    repair_search_places(x, &places);
    for (size_t i = 0; i < found->count && rc == BD_OK; i++) {
        const struct fsck_finding *f = &found->findings[i];
        if (f->code == FSCK_FILE_MISSING)
            rc = find_one_file(x, buf_str(&places), &f->address,
                               f->file && !strncmp(f->file, "oldgen/", 7), err);
        else if (f->code == FSCK_JOURNAL_MISSING)
            rc = find_journal(x, buf_str(&places), s, err);
    }
    buf_release(&places);
    return rc;
}

/* ---- a journal damaged in the middle ---- */

/* Is the database sound with this journal? */
static int try_journal(struct repair *x, const char *file, bool *sound, struct err *err) {
    struct fsck_report r;
    struct fsck_options o = {.level = FSCK_DEEP,
                             .journal = file,
                             .progress = x->o->progress,
                             .progress_ctx = x->o->progress_ctx};
    fsck_report_init(&r);
    int rc = db_fsck(x->dir, &o, &r, err);
    *sound = rc == BD_OK && r.errors == 0;
    if (rc == BD_OK && !*sound && r.count)
        x->why_not = arena_strdup(&x->r->arena, r.findings[0].message);
    fsck_report_release(&r);
    return rc;
}

/* `only_if_sound`: there is another way, so nothing is said when this one is not possible. */
static int salvage(struct repair *x, bool only_if_sound, bool *done, struct err *err) {
    struct repair_salvaged got;
    bool sound = false;
    const char *base = x->place.dot ? x->place.dot : x->place.noms;
    char *target = arena_printf(&x->r->arena, "%s/nbs_table_repair_%lld", base, (long long)time(NULL));
    *done = false;
    os_unlink(target);
    int rc = repair_salvage_journal(x->place.noms, target, &got, err);
    if (rc == BD_INVALID) {
        if (!only_if_sound)
            repair_step_add(x, REPAIR_SALVAGE, false, "%s: restore a backup", err->msg);
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK)
        rc = try_journal(x, target, &sound, err);
    if (rc == BD_OK && !sound && !x->o->dry_run && (x->o->actions & REPAIR_BIT(REPAIR_FILES))) {
        rc = repair_fill_gaps(x, target, err);
        if (rc == BD_OK)
            rc = try_journal(x, target, &sound, err);
    }
    bool take = sound || (!only_if_sound && (x->o->actions & REPAIR_BIT(REPAIR_RESET)));
    if (rc == BD_OK && take && !x->o->dry_run) {
        rc = repair_set_aside(x, journal_of(x), 0, JOURNAL_FILE, err);
        if (rc == BD_OK)
            rc = set_small_files_aside(x, err);
        if (rc == BD_OK)
            rc = repair_replace_journal(x->place.noms, target, err);
    }
    if (rc != BD_OK || !take || x->o->dry_run)
        os_unlink(target);
    if (rc != BD_OK)
        return rc;
    *done = take;
    if (only_if_sound && !take)
        return BD_OK;
    if (take)
        repair_step_add(x, REPAIR_SALVAGE, !x->o->dry_run,
                        "%s a new journal of %llu sound records, without %llu damaged bytes in %llu "
                        "places%s",
                        x->o->dry_run ? "would make" : "made", (unsigned long long)got.records,
                        (unsigned long long)got.dropped_bytes, (unsigned long long)got.damaged_places,
                        sound ? "; nothing that the branches need was in them" : "");
    else
        repair_step_add(
            x, REPAIR_SALVAGE, false,
            "the damage hit data that is needed (%s). Restore a backup; 'bd fsck --help' tells the "
            "last resorts",
            x->why_not ? x->why_not : "see above");
    if (!sound && take)
        x->r->lost_data = true;
    return BD_OK;
}

/* ---- repo_state.json ---- */

static int mend_repo_state(struct repair *x, struct err *err) {
    const char *branch = NULL;
    if (!x->place.dot)
        return BD_OK;
    int rc = repair_pick_branch(x, &branch, err);
    if (rc != BD_OK || !branch)
        return rc;
    if (!x->o->dry_run) {
        struct repo_address *lists[2];
        size_t counts[2] = {0, 0};
        for (int i = 0; i < 2; i++) /* what can be read of the old file stays */
            if (repo_state_list(x->dir, i ? REPO_BACKUPS : REPO_REMOTES, &x->r->arena, &lists[i],
                                &counts[i], NULL) != BD_OK)
                counts[i] = 0;
        rc = set_small_files_aside(x, err);
        if (rc == BD_OK)
            rc = repo_state_create(x->dir, branch, err);
        for (int i = 0; i < 2; i++)
            for (size_t k = 0; k < counts[i] && rc == BD_OK; k++)
                rc = repo_state_put(x->dir, i ? REPO_BACKUPS : REPO_REMOTES, &lists[i][k], err);
    }
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_REPO_STATE, !x->o->dry_run,
                        "%s repo_state.json: the current branch is %s",
                        x->o->dry_run ? "would write" : "wrote", branch);
    return rc;
}

/* ---- the whole ---- */

static unsigned called_for(const struct fsck_report *r) {
    unsigned bits = 0;
    bool broken = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct fsck_finding *f = &r->findings[i];
        bits |= REPAIR_BIT(f->repair);
        broken = broken || f->code == FSCK_CHUNK_DANGLING || f->code == FSCK_ROOT_MISSING;
    }
    return bits | (broken ? REPAIR_BIT(REPAIR_RESET) : 0);
}

/* Files, under the lock; each step looks at what the ones before left. */
static int mend_files(struct repair *x, struct err *err) {
    static const enum fsck_repair order[] = {REPAIR_FILES, REPAIR_SALVAGE, REPAIR_TAIL, REPAIR_MANIFEST,
                                             REPAIR_JOURNAL_INDEX};
    int rc = BD_OK;
    for (size_t i = 0; i < sizeof order / sizeof *order && rc == BD_OK; i++) {
        struct fsck_report r;
        struct fsck_options o = {.level = FSCK_DEEP};
        struct scan *s;
        fsck_report_init(&r);
        r.per_code_max = 100000;
        rc = scan_open(&s, x->place.noms, &o, &r, err);
        unsigned wanted = called_for(&r) & x->o->actions & REPAIR_BIT(order[i]);
        if (rc == BD_OK && wanted) {
            bool salvaged, manifest_wanted = false, root_wanted = false, old_wanted = false;
            for (size_t k = 0; k < r.count; k++) {
                const struct fsck_finding *f = &r.findings[k];
                bool old = f->file && !strncmp(f->file, "oldgen/", 7);
                if (f->repair != REPAIR_MANIFEST)
                    continue;
                root_wanted = root_wanted || f->code == FSCK_JOURNAL_NO_ROOT;
                old_wanted = old_wanted || old;
                manifest_wanted = manifest_wanted || (!old && f->code != FSCK_JOURNAL_NO_ROOT);
            }
            switch (order[i]) {
            case REPAIR_FILES: rc = find_files(x, s, &r, err); break;
            case REPAIR_SALVAGE: rc = salvage(x, false, &salvaged, err); break;
            case REPAIR_TAIL: rc = cut_tail(x, s, err); break;
            case REPAIR_JOURNAL_INDEX: rc = drop_indexes(x, err); break;
            default:
                if (manifest_wanted)
                    rc = mend_manifest(x, s, err);
                if (rc == BD_OK && root_wanted && s->manifest_good)
                    rc = give_journal_its_root(x, s, err);
                if (rc == BD_OK && old_wanted)
                    rc = mend_old_manifest(x, err);
            }
        }
        scan_close(s);
        fsck_report_release(&r);
    }
    return rc;
}

/* What was in the way of mending the journal may be mended now. */
static int replace_damaged(struct repair *x, const struct fsck_options *fo, struct fsck_report *report,
                           struct err *err) {
    struct store_lock lock;
    bool changed = false;
    int rc = BD_OK;
    store_lock_init(&lock, x->place.noms);
    if (!x->o->dry_run)
        rc = store_lock_take(&lock, x->o->lock_wait_ms ? x->o->lock_wait_ms : LOCK_WAIT_MS, err);
    if (rc == BD_OK)
        rc = repair_replace_damaged(x, &changed, err);
    if (rc == BD_OK && changed)
        rc = mend_files(x, err);
    store_lock_give(&lock);
    store_lock_close(&lock);
    if (rc != BD_OK || !changed)
        return rc;
    fsck_report_release(report);
    report->per_code_max = 1000;
    return db_fsck(x->dir, fo, report, err);
}

static bool has_gaps(const struct fsck_report *r) {
    return r->per_code[FSCK_CHUNK_DANGLING] || r->per_code[FSCK_ROOT_MISSING];
}

int db_repair(const char *dir, const struct repair_options *o, struct repair_result *r,
              struct err *err) {
    struct repair x = {.dir = dir, .o = o, .r = r};
    struct store_lock lock;
    struct fsck_report report;
    struct fsck_options fo = {
        .level = FSCK_DEEP, .progress = o->progress, .progress_ctx = o->progress_ctx};
    fsck_report_init(&report);
    report.per_code_max = 1000;
    check_place_find(&x.place, dir);
    int rc = BD_OK;
    if (!os_is_dir(x.place.noms))
        rc = err_set(err, BD_NOT_FOUND, "no database at %s", dir);
    store_lock_init(&lock, x.place.noms);
    if (rc == BD_OK && !o->dry_run)
        rc = store_lock_take(&lock, o->lock_wait_ms ? o->lock_wait_ms : LOCK_WAIT_MS, err);
    if (rc == BD_OK)
        rc = mend_files(&x, err);
    store_lock_give(&lock);
    store_lock_close(&lock);
    /* From here on the store is written like any other, each step under the lock by itself. */
    if (rc == BD_OK)
        rc = db_fsck(dir, &fo, &report, err);
    /* A record that is sound but holds the wrong content shows only when contents are looked at. */
    if (rc == BD_OK && report.per_code[FSCK_CHUNK_DAMAGED] && (o->actions & REPAIR_BIT(REPAIR_FILES)))
        rc = replace_damaged(&x, &fo, &report, err);
    if (rc == BD_OK && report.per_code[FSCK_CHUNK_DAMAGED] &&
        (called_for(&report) & o->actions & REPAIR_BIT(REPAIR_SALVAGE))) {
        bool salvaged = false;
        store_lock_init(&lock, x.place.noms);
        if (!o->dry_run)
            rc = store_lock_take(&lock, o->lock_wait_ms ? o->lock_wait_ms : LOCK_WAIT_MS, err);
        if (rc == BD_OK)
            rc = salvage(&x, false, &salvaged, err);
        store_lock_give(&lock);
        store_lock_close(&lock);
        if (rc == BD_OK && salvaged && !o->dry_run) {
            fsck_report_release(&report);
            report.per_code_max = 1000;
            rc = db_fsck(dir, &fo, &report, err);
        }
    }
    if (rc == BD_OK && has_gaps(&report) && (o->actions & REPAIR_BIT(REPAIR_FILES))) {
        rc = repair_fill_gaps(&x, NULL, err);
        fsck_report_release(&report);
        report.per_code_max = 1000;
        if (rc == BD_OK)
            rc = db_fsck(dir, &fo, &report, err);
    }
    unsigned wanted = called_for(&report) & o->actions;
    if (rc == BD_OK && (wanted & REPAIR_BIT(REPAIR_RESET)) && (report.errors || o->branch))
        rc = repair_reset_branches(&x, err);
    if (rc == BD_OK && (wanted & REPAIR_BIT(REPAIR_INDEXES)))
        rc = repair_rebuild_indexes(&x, &report, err);
    if (rc == BD_OK && (wanted & REPAIR_BIT(REPAIR_REPO_STATE)))
        rc = mend_repo_state(&x, err);
    if (rc == BD_OK && !(o->actions & REPAIR_BIT(REPAIR_RESET)) &&
        (called_for(&report) & REPAIR_BIT(REPAIR_RESET)) && report.errors)
        repair_tell_branches(&x);
    fsck_report_release(&report);
    check_place_release(&x.place);
    return rc;
}

int db_revive_journal(const char *dir, struct arena *a, const char **saved, uint64_t *cut_bytes,
                      struct err *err) {
    struct check_place place;
    struct store_lock lock;
    struct fsck_report r;
    struct fsck_options o = {.level = FSCK_QUICK};
    struct scan *s = NULL;
    check_place_find(&place, dir);
    fsck_report_init(&r);
    store_lock_init(&lock, place.noms);
    int rc = os_is_dir(place.noms) ? store_lock_take(&lock, 0, err)
                                   : err_set(err, BD_NOT_FOUND, "no database at %s", dir);
    if (rc == BD_OK)
        rc = scan_open(&s, place.noms, &o, &r, err);
    if (rc == BD_OK && !s->journal_loss)
        rc = err_set(err, BD_INVALID,
                     "no data loss detected in chunk journal file; no recovery performed");
    if (rc == BD_OK && !s->root_count)
        rc = err_set(err, BD_INVALID,
                     "the damage stands before the first commit of the journal: nothing would be left. "
                     "Restore a backup, or try 'bd fsck --repair'");
    if (rc == BD_OK) {
        struct tm tm;
        time_t now = time(NULL);
        localtime_r(&now, &tm);
        char *path = arena_printf(a, "%s/" JOURNAL_FILE, place.noms);
        char *copy =
            arena_printf(a, "%s_save_%04d_%02d_%02d_%05d", path, tm.tm_year + 1900, tm.tm_mon + 1,
                         tm.tm_mday, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        rc = repair_copy(path, 0, UINT64_MAX, copy, err);
        if (rc == BD_OK && os_fsync_dir(place.noms) < 0)
            rc = err_errno(err, "cannot sync %s", place.noms);
        if (rc == BD_OK)
            rc = repair_cut_journal(place.noms, s->journal_end, err);
        *saved = copy;
        *cut_bytes = s->journal_size - s->journal_end;
    }
    scan_close(s);
    store_lock_give(&lock);
    store_lock_close(&lock);
    fsck_report_release(&r);
    check_place_release(&place);
    return rc;
}
