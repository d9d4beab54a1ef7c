/* Is there a workspace, and are its own few files right? */
#include "doctor/families.h"

#include "base/os.h"
#include "base/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void core_installation(struct doctor *d, struct doctor_result *r) {
    if (d->ws->beads_dir || d->ws->direct) {
        doctor_ok(d, r, d->ws->direct ? "Database opened directly" : ".beads/ directory found");
        if (d->ws->redirected_from)
            doctor_detail(d, r, "Redirected from %s to %s", d->ws->redirected_from, d->ws->beads_dir);
        return;
    }
    doctor_bad(d, r, "No .beads/ directory found");
    doctor_hint(d, r,
                "Run 'bd where' to see where bd looks. In a clone of a project that has issues run 'bd "
                "bootstrap', in a "
                "new project 'bd init'");
}

/* ---- a clone without its database ---- */

static size_t count_issues(struct doctor *d, const char *path) {
    char *data;
    size_t size, n = 0;
    if (os_read_file(path, (size_t)1 << 30, &data, &size))
        return 0;
    (void)d;
    for (char *p = data; p < data + size;) {
        char *end = memchr(p, '\n', (size_t)(data + size - p));
        size_t line = end ? (size_t)(end - p) : (size_t)(data + size - p);
        n += memmem(p, line, "\"id\"", 4) != NULL;
        p += line + 1;
    }
    free(data);
    return n;
}

void core_fresh_clone(struct doctor *d, struct doctor_result *r) {
    static const char *const names[] = {"issues.jsonl", "beads.jsonl"};
    if (d->ws->direct || d->ws->has_database) {
        doctor_ok(d, r, "Database exists");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        const char *path = doctor_path(d, names[i]);
        size_t n = os_exists(path) ? count_issues(d, path) : 0;
        if (!n)
            continue;
        doctor_warn(d, r, "Fresh clone detected (%zu issues in %s, no database)", n, names[i]);
        doctor_hint(
            d, r,
            "Run 'bd bootstrap' to make the database from it ('bd bootstrap --dry-run' shows how)");
        return;
    }
    doctor_ok(d, r, "N/A (no JSONL file)");
}

/* ---- metadata.json ---- */

void core_metadata(struct doctor *d, struct doctor_result *r) {
    if (d->ws->direct || d->ws->database_given) {
        doctor_ok(d, r, "N/A (--db names the database)");
    } else if (d->ws->metadata_broken) {
        doctor_bad(d, r, "metadata.json is damaged");
        doctor_detail(d, r, "Until it is whole, nothing is written to the database");
        if (d->ws->has_database)
            doctor_offer(d, r,
                         "write it anew for the database %s (the old file is kept aside), or restore "
                         "it from git",
                         d->ws->database_name);
        else
            doctor_hint(d, r, "Restore it: 'git show HEAD:.beads/metadata.json' prints what git has");
    } else if (!d->ws->has_metadata && !d->ws->has_database) {
        doctor_ok(d, r, "None yet; it is written together with the database");
    } else if (!d->ws->has_metadata) {
        doctor_bad(d, r, "metadata.json is missing");
        if (d->ws->has_database)
            doctor_offer(d, r, "write it for the database %s", d->ws->database_name);
        else
            doctor_hint(d, r, "Restore it: 'git show HEAD:.beads/metadata.json' prints what git has");
    } else {
        doctor_ok(d, r, "metadata.json present");
    }
}

int core_metadata_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    const struct workspace *w = d->ws;
    const char *path = doctor_path(d, "metadata.json");
    struct metadata m = {"dolt", "dolt", "embedded", "", "", "", "", "", "", 0}, now;
    if (metadata_load(w->beads_dir, d->arena, &now, NULL) == BD_OK || !w->has_database)
        return BD_OK;
    m.dolt_database = w->database_name;
    m.project_id = doctor_meta(d, d->x, "metadata", "_project_id");
    int rc = doctor_copy_aside(rp, path, err);
    if (rc == BD_OK)
        rc = metadata_save(w->beads_dir, &m, err);
    if (rc == BD_OK)
        doctor_did(rp, "Wrote metadata.json for the database %s", w->database_name);
    return rc;
}

/* ---- permissions ---- */

#define KEY_FILE ".beads-credential-key"

static unsigned mode_of(const char *path) {
    struct stat st;
    return os_stat(path, &st) ? 0 : (unsigned)st.st_mode & 0777;
}

static bool is_own(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0 && st.st_uid == geteuid();
}

void core_permissions(struct doctor *d, struct doctor_result *r) {
    const char *dir = d->ws->beads_dir ? d->ws->beads_dir : d->ws->database_dir,
               *key = doctor_path(d, KEY_FILE);
    if (access(dir, R_OK | X_OK)) {
        doctor_bad(d, r, "%s cannot be read", dir);
        doctor_hint(d, r, "Run: chmod u+rwx %s", dir);
    } else if (access(dir, W_OK)) {
        doctor_bad(d, r, "%s is not writable", dir);
        if (is_own(dir))
            doctor_offer(d, r, "make it writable for its owner");
        else
            doctor_hint(
                d, r,
                "It belongs to another user or to a read-only file system; bd can only read here");
    } else if (os_exists(key) && (mode_of(key) & 0077)) {
        doctor_bad(d, r, "%s can be read by others (%04o)", KEY_FILE, mode_of(key));
        doctor_offer(d, r, "leave it to its owner (chmod 600)");
    } else if (d->ws->has_database && d->ws->data_dir && *d->ws->data_dir &&
               access(d->ws->database_dir, W_OK)) {
        doctor_bad(d, r, "%s is not writable", d->ws->database_dir);
        doctor_hint(d, r, "Run: chmod -R u+rwX %s", d->ws->database_dir);
    } else if (d->ws->beads_dir && is_own(dir) && (mode_of(dir) & 0077)) {
        doctor_warn(d, r, "Others can look into .beads (%04o, recommended 0700)", mode_of(dir));
        doctor_offer(d, r,
                     "leave it to its owner (chmod 700), which also ends the warning of every command");
    } else {
        doctor_ok(d, r, "All permissions OK");
    }
}

int core_permissions_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    const char *dir = d->ws->beads_dir, *key = doctor_path(d, KEY_FILE);
    if (!dir)
        return BD_OK;
    if (is_own(dir) && (access(dir, W_OK) || (mode_of(dir) & 0077))) {
        if (chmod(dir, 0700))
            return err_errno(err, "cannot change the mode of %s", dir);
        doctor_did(rp, "chmod 700 %s", dir);
    }
    if (os_exists(key) && (mode_of(key) & 0077)) {
        if (chmod(key, 0600))
            return err_errno(err, "cannot change the mode of %s", key);
        doctor_did(rp, "chmod 600 %s", key);
    }
    return BD_OK;
}

/* ---- the program ---- */

void core_cli_version(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, "%s (bd asks no network for updates)", BD_VERSION);
}

void core_dolt_mode(struct doctor *d, struct doctor_result *r) {
    if (strcmp(d->ws->mode ? d->ws->mode : "embedded", "server") == 0)
        doctor_ok(d, r, "Server mode");
    else
        doctor_ok(d, r, "Embedded mode");
}
