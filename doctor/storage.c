/* How large the databases are on disk, and whether there is room to work. */
#include "doctor/families.h"

#include "base/os.h"
#include "base/version.h"
#include "store/db/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* ---- every database of the data directory ---- */

struct place {
    const char *name, *dir; /* dir holds .dolt, or is a bare store */
};

static size_t places(struct doctor *d, struct place **out) {
    const char **names;
    struct place *list;
    size_t n = 0;
    if (d->ws->direct || d->ws->database_given || !d->ws->data_dir || !*d->ws->data_dir) {
        *out = list = arena_alloc(d->arena, sizeof *list);
        if (!d->ws->database_dir || !os_is_dir(d->ws->database_dir))
            return 0;
        const char *slash = strrchr(d->ws->database_dir, '/');
        list[0] = (struct place){slash ? slash + 1 : d->ws->database_dir, d->ws->database_dir};
        return 1;
    }
    size_t count = doctor_databases(d, d->ws->data_dir, &names);
    *out = list = arena_alloc(d->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[n++] =
            (struct place){names[i], arena_printf(d->arena, "%s/%s", d->ws->data_dir, names[i])};
    return n;
}

static const char *noms_of(struct doctor *d, const struct place *p) {
    const char *noms = arena_printf(d->arena, "%s/.dolt/noms", p->dir);
    return os_is_dir(noms) ? noms : p->dir;
}

/* Adds what the database takes now, and about what it would take after a collection. */
static void estimate(const struct place *p, uint64_t *now, uint64_t *after) {
    struct db_gc_estimate e;
    if (db_gc_estimate(p->dir, &e, NULL))
        return;
    *now += e.sizes.total;
    *after += e.worthwhile && e.total_after < e.sizes.total ? e.total_after : e.sizes.total;
}

static const char *gain_text(struct doctor *d, const struct place *list, size_t n) {
    uint64_t now = 0, after = 0;
    for (size_t i = 0; i < n; i++)
        estimate(&list[i], &now, &after);
    return now > after ? arena_printf(d->arena, "A collection would leave about %s of %s",
                                      doctor_bytes(d, after), doctor_bytes(d, now))
                       : "Nothing for a collection to do";
}

void storage_size(struct doctor *d, struct doctor_result *r) {
    struct place *list;
    uint64_t warn = doctor_setting_bytes(d, "doctor.noms-warn", 2 * GIB);
    uint64_t bad = doctor_setting_bytes(d, "doctor.noms-error", 20 * GIB), sum = 0, largest = 0;
    const char *name = "";
    size_t n = places(d, &list);
    for (size_t i = 0; i < n; i++) {
        const char *dir = arena_printf(d->arena, "%s/.dolt", list[i].dir);
        uint64_t size = doctor_disk_usage(os_is_dir(dir) ? dir : list[i].dir);
        sum += size;
        if (size > largest) {
            largest = size;
            name = list[i].name;
        }
    }
    if (!n) {
        doctor_ok(d, r, "No data yet");
        return;
    }
    const char *text = n == 1 ? arena_printf(d->arena, "%s", doctor_bytes(d, largest))
                              : arena_printf(d->arena, "%s in %zu databases, largest %s with %s",
                                             doctor_bytes(d, sum), n, name, doctor_bytes(d, largest));
    if (largest >= bad || sum >= bad)
        doctor_bad(d, r, "%s (error at %s)", text, doctor_bytes(d, bad));
    else if (largest >= warn || sum >= warn)
        doctor_warn(d, r, "%s (warning at %s)", text, doctor_bytes(d, warn));
    else
        doctor_ok(d, r, "%s", text);
    if (r->status == DOCTOR_OK)
        return;
    doctor_detail(d, r, "In %s. %s", n == 1 ? list[0].dir : d->ws->data_dir, gain_text(d, list, n));
    doctor_hint(d, r,
                "Run 'bd gc --dry-run', then 'bd gc --skip-decay --full'. When most of it is history: "
                "'bd flatten "
                "--dry-run'. "
                "'bd gc --recover' goes through it step by step with a copy");
}

/* A database that is fat and quiet never collects itself: collections come with commands that write. */
void storage_garbage(struct doctor *d, struct doctor_result *r) {
    struct place *list;
    size_t n = places(d, &list);
    uint64_t now = 0, after = 0;
    for (size_t i = 0; i < n; i++)
        estimate(&list[i], &now, &after);
    uint64_t gain = now - after;
    if (!n)
        doctor_ok(d, r, "No data yet");
    else if (gain < doctor_setting_bytes(d, "doctor.garbage-warn", 256 * MIB) || gain < now / 2)
        doctor_ok(d, r, "%s", gain_text(d, list, n));
    else {
        doctor_warn(d, r, "%s", gain_text(d, list, n));
        doctor_hint(d, r, "Run 'bd gc --dry-run', then 'bd gc --skip-decay'");
    }
}

void storage_journal(struct doctor *d, struct doctor_result *r) {
    struct place *list;
    struct stat st;
    uint64_t largest = 0;
    const char *name = "";
    size_t n = places(d, &list);
    for (size_t i = 0; i < n; i++) {
        const char *path =
            arena_printf(d->arena, "%s/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", noms_of(d, &list[i]));
        if (os_stat(path, &st) || (uint64_t)st.st_size <= largest)
            continue;
        largest = (uint64_t)st.st_size;
        name = list[i].name;
    }
    uint64_t warn = doctor_setting_bytes(d, "doctor.journal-warn", 4 * GIB);
    uint64_t bad = doctor_setting_bytes(d, "doctor.journal-error", 6 * GIB);
    if (largest >= bad)
        doctor_bad(d, r, "The journal of %s has %s (error at %s)", name, doctor_bytes(d, largest),
                   doctor_bytes(d, bad));
    else if (largest >= warn)
        doctor_warn(d, r, "The journal of %s has %s (warning at %s)", name, doctor_bytes(d, largest),
                    doctor_bytes(d, warn));
    else
        doctor_ok(d, r, largest ? "%s" : "No journal", doctor_bytes(d, largest));
    if (r->status != DOCTOR_OK)
        doctor_hint(d, r, "Run 'bd gc --skip-decay' to pack it into archives");
}

/* ---- programs and settings of a server ---- */

void storage_config(struct doctor *d, struct doctor_result *r) {
    (void)d;
    doctor_ok(d, r, "N/A (no managed server)");
}

void storage_version(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, "built in (bd %s writes the format of Dolt 1.x and 2.x)", BD_VERSION);
}

/* ---- markers of unfinished compactions ---- */

void storage_compact_state(struct doctor *d, struct doctor_result *r) {
    static const struct {
        const char *directory, *remedy;
    } kinds[] = {
        {"compact-quarantine",
         "a compaction did not keep the values; look at it before anything is compacted again"},
        {"compact-pending-gc",
         "the history was squashed, its space is still to come back: run 'bd gc --skip-decay --full'"},
        {"compact-pending-push",
         "the flattened history was not pushed yet: run 'bd flatten --push --force --force-federated'"},
        {"compact-pending-push-backup",
         "the backup does not have the flattened history yet: run 'bd backup sync'"},
    };
    struct buf found = BUF_INIT;
    size_t n = 0;
    for (size_t k = 0; k < 4; k++) {
        const char **names, *dir = arena_printf(d->arena, "compact/%s", kinds[k].directory);
        size_t count = doctor_list(d, doctor_path(d, dir), &names);
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(names[i]);
            if ((size > 4 && strcmp(names[i] + size - 4, ".tmp") == 0) ||
                strncmp(names[i], "probe.", 6) == 0)
                continue;
            buf_addf(&found, "%s%s: %s", n++ ? "\n" : "", names[i], kinds[k].remedy);
        }
    }
    if (!n) {
        doctor_ok(d, r, "Nothing unfinished");
    } else {
        doctor_warn(d, r, "%zu unfinished compaction(s)", n);
        doctor_detail(d, r, "%s", found.data);
        doctor_hint(d, r, "Do what stands there; the marker is removed by the command that finishes");
    }
    buf_release(&found);
}

/* ---- room ---- */

void storage_space(struct doctor *d, struct doctor_result *r) {
    struct statvfs fs;
    const char *dir =
        d->ws->database_dir && os_is_dir(d->ws->database_dir) ? d->ws->database_dir : d->ws->beads_dir;
    if (!dir || statvfs(dir, &fs)) {
        doctor_ok(d, r, "N/A");
        return;
    }
    uint64_t available = (uint64_t)fs.f_bavail * fs.f_frsize, used = doctor_disk_usage(dir);
    if (available < 500 * MIB && available < 4 * used + 16 * MIB) {
        doctor_bad(d, r, "%s left on the disk", doctor_bytes(d, available));
        doctor_hint(d, r, "Make room; a command that finds none writes nothing and says so");
    } else if (available < 2 * used) {
        doctor_warn(d, r, "%s left on the disk: a collection needs twice the %s of the database",
                    doctor_bytes(d, available), doctor_bytes(d, used));
        doctor_hint(d, r, "Make room before a collection is due");
    } else {
        doctor_ok(d, r, "%s left", doctor_bytes(d, available));
    }
}

/* ---- copies that repairs and replacements left ---- */

void storage_aside(struct doctor *d, struct doctor_result *r) {
    static const char *const prefixes[] = {".dolt.bak-", ".dolt.failed-", "repair-", "gc-aside-"};
    uint64_t size = 0;
    size_t count = 0;
    const char *example = "", **names;
    struct place *list;
    size_t n = places(d, &list);
    for (size_t i = 0; i < n; i++)
        for (size_t level = 0; level < 2; level++) {
            const char *dir = level ? arena_printf(d->arena, "%s/.dolt", list[i].dir) : list[i].dir;
            size_t entries = doctor_list(d, dir, &names);
            for (size_t k = 0; k < entries; k++)
                for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++)
                    if (strncmp(names[k], prefixes[p], strlen(prefixes[p])) == 0) {
                        example = arena_printf(d->arena, "%s/%s", dir, names[k]);
                        size += doctor_disk_usage(example);
                        count++;
                    }
        }
    size_t kept = d->ws->beads_dir ? doctor_list(d, doctor_path(d, "backup"), &names) : 0;
    for (size_t k = 0; k < kept; k++)
        if (strncmp(names[k], "doctor-", 7) == 0) {
            example = doctor_path(d, arena_printf(d->arena, "backup/%s", names[k]));
            size += doctor_disk_usage(example);
            count++;
        }
    if (!count)
        doctor_ok(d, r, "No copies set aside");
    else
        doctor_ok(d, r,
                  "%zu copies set aside by repairs (%s), such as %s; delete them when all is well",
                  count, doctor_bytes(d, size), example);
}
