/*
 * The directories of a store: manifests, table files, archives, ghosts, and what does not belong there.
 * scan_open looks at a store that others may be changing: it starts over when the manifest moves.
 */
#include "store/chunk/fsck_scan.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/bytes.h"
#include "store/chunk/table_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ATTEMPTS 5
#define GHOSTS_SIZE_MAX (64u << 20)
#define TABLE_RECORD_MAX (4u << 20) /* the buffer through which dolt fsck reads table files */
#define ARCHIVE_SUM_SIZE 64         /* SHA-512 */
#define LOCK_FORMULA_NOTE                                                                              \
    "%smanifest: the lock is not the hash of root and files (written before Dolt 1.43.19, or edited)"

/* ---- table files ---- */

static void bad_file(struct fsck_report *r, const struct scan_file *f, const char *why) {
    fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_FILES, NULL, NULL, f->label, "%s: %s", f->label,
             why);
}

/* Adds an entry for each record; false: the structure does not hold, and nothing was added. */
static bool take_table(struct scan *s, uint32_t file, const struct table *t, const struct hash *name,
                       uint32_t expected, struct fsck_report *r) {
    struct scan_file *f = &s->files[file];
    uint8_t *used = mem_zalloc((size_t)t->count + 1, 1);
    uint64_t *prefixes = mem_zalloc((size_t)t->count + 1, sizeof *prefixes);
    const char *why = t->count == 0 ? "a table file without chunks" : NULL;
    uint64_t last = 0, total = 0;
    for (uint32_t i = 0; !why && i < t->count; i++) {
        uint64_t prefix = read_u64(t->tuples + (size_t)i * 12);
        uint32_t ordinal = read_u32(t->tuples + (size_t)i * 12 + 8);
        if (prefix < last || ordinal >= t->count || used[ordinal])
            why = "the index is out of order";
        else {
            used[ordinal] = 1;
            prefixes[ordinal] = last = prefix;
            total += read_u32(t->lengths + (size_t)i * 4);
        }
    }
    if (!why && total != t->data_size)
        why = "the chunk records do not fill the data region";
    uint64_t offset = 0;
    for (uint32_t i = 0; !why && i < t->count; i++) {
        struct scan_entry *e = scan_add(s);
        write_u64(e->address.b, prefixes[i]);
        memcpy(e->address.b + 8, t->suffixes + (size_t)i * 12, 12);
        e->file = file;
        e->offset = offset;
        e->size = read_u32(t->lengths + (size_t)i * 4);
        offset += e->size;
        if (e->size > TABLE_RECORD_MAX)
            fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_NONE, &e->address, NULL, f->label,
                     "%s: a record of %u bytes, which crashes dolt fsck", f->label, e->size);
    }
    free(used);
    free(prefixes);
    if (why) {
        bad_file(r, f, why);
        return false;
    }
    struct hash real = hash_of(t->suffixes, (size_t)t->count * 12);
    if (!hash_eq(&real, name))
        fsck_add(r, FSCK_NOTE, FSCK_FILE_DAMAGED, REPAIR_NOT_NEEDED, NULL, NULL, f->label,
                 "%s: the name is not the hash of its chunk addresses", f->label);
    if (t->count != expected)
        fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_MANIFEST, NULL, NULL, f->label,
                 "%s: it holds %u chunks, the manifest says %u", f->label, t->count, expected);
    return true;
}

/* ---- archives ---- */

/* Three SHA-512 sums (data, index, metadata) that releases of early 2025 wrote; all zero since. Nobody
 * verifies them, so a wrong one is only a hint. */
static void check_sums(const struct scan_file *f, const struct archive *a, struct fsck_report *r) {
    static const char *const parts[] = {"data", "index", "metadata"};
    static const uint8_t zero[ARCHIVE_SUM_SIZE];
    const uint8_t *sums = f->map + f->size - 8 - 3 * ARCHIVE_SUM_SIZE;
    size_t index = (size_t)a->spans * 8 + (size_t)a->count * 28, footer = a->version >= 3 ? 220 : 216;
    size_t begin[4] = {0, a->data_size, a->data_size + index, f->size - footer};
    for (int i = 0; i < 3; i++) {
        struct hash real = hash_of(f->map + begin[i], begin[i + 1] - begin[i]);
        if (memcmp(sums + i * ARCHIVE_SUM_SIZE, zero, ARCHIVE_SUM_SIZE) != 0 &&
            memcmp(sums + i * ARCHIVE_SUM_SIZE, real.b, HASH_SIZE) != 0)
            fsck_add(r, FSCK_NOTE, FSCK_FILE_DAMAGED, REPAIR_NOT_NEEDED, NULL, NULL, f->label,
                     "%s: the checksum of its %s does not match", f->label, parts[i]);
    }
}

static int by_offset(const void *a, const void *b) {
    const struct scan_entry *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool take_archive(struct scan *s, uint32_t file, const struct archive *a,
                         struct fsck_report *r) {
    struct scan_file *f = &s->files[file];
    size_t before = s->count;
    const char *why = NULL;
    uint64_t last_end = 0;
    for (uint32_t i = 0; !why && i < a->spans; i++) {
        uint64_t end = read_u64(a->ends + (size_t)i * 8);
        if (end <= last_end || end > a->data_size)
            why = "the spans are not contiguous";
        last_end = end;
    }
    if (!why && last_end != a->data_size)
        why = "the spans do not fill the data region";
    if (a->version < 1)
        why = "an archive of version 0";
    uint8_t *used = mem_zalloc((size_t)a->spans + 1, 1);
    uint64_t duplicates = 0;
    struct hash last = HASH_ZERO;
    for (uint32_t i = 0; !why && i < a->count; i++) {
        struct hash h;
        archive_address(a, i, &h);
        uint32_t dictionary = read_u32(a->refs + (size_t)i * 8);
        uint32_t span = read_u32(a->refs + (size_t)i * 8 + 4);
        int order = i ? hash_cmp(&last, &h) : -1;
        if (order > 0 || span < 1 || span > a->spans || dictionary > a->spans || dictionary == span) {
            why = "the index is out of order, or refers to spans that do not exist";
            break;
        }
        if (dictionary > span || (dictionary == 0 && a->version == 1))
            fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_NONE, &h, NULL, f->label,
                     "%s: span %u with dictionary %u cannot be in an archive of version %d", f->label,
                     span, dictionary, a->version);
        duplicates += order == 0;
        used[span] = used[dictionary] = 1;
        last = h;
        uint64_t start = span == 1 ? 0 : read_u64(a->ends + (size_t)(span - 2) * 8);
        uint64_t end = read_u64(a->ends + (size_t)(span - 1) * 8);
        if (end - start > UINT32_MAX) {
            why = "a span of more than 4 GiB";
            break;
        }
        struct scan_entry *e = scan_add(s);
        e->address = h;
        e->file = file;
        e->offset = start;
        e->size = (uint32_t)(end - start);
        e->dictionary = dictionary;
    }
    uint32_t unused = 0;
    for (uint32_t i = 1; i <= a->spans; i++)
        unused += !used[i];
    free(used);
    if (why) {
        s->count = before;
        bad_file(r, f, why);
        return false;
    }
    /* In the order of the file, chunks that share a dictionary are read one after the other. */
    qsort(s->entries + before, s->count - before, sizeof *s->entries, by_offset);
    check_sums(f, a, r);
    if (unused)
        fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_NONE, NULL, NULL, f->label,
                 "%s: %u spans that nothing refers to, on which dolt fsck fails", f->label, unused);
    if (duplicates)
        fsck_add(r, FSCK_NOTE, FSCK_FILE_DAMAGED, REPAIR_NOT_NEEDED, NULL, NULL, f->label,
                 "%s: %llu addresses are listed twice", f->label, (unsigned long long)duplicates);
    return true;
}

/* ---- files ---- */

static void release_file(struct scan_file *f) {
    if (f->map)
        os_munmap((void *)(uintptr_t)f->map, f->size);
    if (f->fd >= 0)
        os_close(f->fd);
    free(f->label);
}

/* Maps a file. False when it does not exist or cannot be mapped: *why says so (NULL: it does not
 * exist). */
static bool map_file(struct scan_file *f, const char *path, const char **why) {
    struct stat st;
    *why = NULL;
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0) {
        *why = errno == ENOENT ? NULL : "it cannot be opened";
        return false;
    }
    if (os_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *why = "it is not a file";
    } else if (st.st_size == 0) {
        *why = "it is empty";
    } else {
        void *map = os_mmap((size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            *why = "it cannot be mapped";
        f->map = map == MAP_FAILED ? NULL : map;
        f->size = (size_t)st.st_size;
    }
    os_close(fd);
    return f->map != NULL;
}

/* Opens one file that a manifest names. */
static void take_file(struct scan *s, bool old, const struct manifest_spec *spec,
                      struct fsck_report *r) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(&spec->name, text);
    for (int archive = 0; archive < 2; archive++) {
        struct buf label = BUF_INIT, path = BUF_INIT;
        struct err err = ERR_INIT;
        const char *why;
        buf_addf(&label, "%s%s%s", old ? "oldgen/" : "", text, archive ? ".darc" : "");
        buf_addf(&path, "%s/%s", s->dir, label.data);
        struct scan_file f = {.fd = -1, .label = buf_detach(&label)};
        f.kind = archive ? SCAN_ARCHIVE : SCAN_TABLE;
        bool mapped = map_file(&f, path.data, &why);
        struct archive a = {0};
        struct table t = {0};
        int rc = !mapped   ? BD_NOT_FOUND
                 : archive ? archive_init(&a, f.map, f.size, f.label, &err)
                           : table_init(&t, f.map, f.size, f.label, &err);
        if (mapped && rc == BD_OK) {
            f.span_ends = a.ends;
            MEM_GROW(s->files, s->file_capacity, s->file_count + 1);
            s->files[s->file_count++] = f;
            uint32_t at = (uint32_t)(s->file_count - 1);
            archive ? take_archive(s, at, &a, r) : take_table(s, at, &t, &spec->name, spec->count, r);
            archive_release(&a);
            table_release(&t);
        } else if (mapped || why) {
            bad_file(r, &f, mapped ? err.msg : why);
            release_file(&f);
        } else {
            free(f.label);
        }
        buf_release(&path);
        if (mapped || why)
            return;
    }
    fsck_add(r, FSCK_ERROR, FSCK_FILE_MISSING, REPAIR_FILES, &spec->name, NULL,
             old ? "oldgen/manifest" : "manifest", "%s%s: the manifest names this file, but it is gone",
             old ? "oldgen/" : "", text);
}

/* Files nobody names, and what dead writers left. */
static void look_around(struct scan *s, bool old, const struct manifest *m, struct fsck_report *r) {
    struct arena a = ARENA_INIT;
    char **names;
    size_t count = scan_list_dir(old ? s->old_dir : s->dir, &a, &names);
    const char *where = old ? "oldgen/" : "";
    for (size_t i = 0; i < count; i++) {
        struct hash h;
        bool archive;
        char *label = arena_printf(&a, "%s%s", where, names[i]);
        if (!strncmp(names[i], "nbs_table_", 10) || !strncmp(names[i], "nbs_manifest_", 13))
            fsck_add(r, FSCK_NOTE, FSCK_FILE_TEMPORARY, REPAIR_NOT_NEEDED, NULL, NULL, label,
                     "%s: a temporary file that its writer left behind; a collection removes it",
                     label);
        else if (scan_is_file_name(names[i], &h, &archive) && !hash_eq(&h, &manifest_journal_name) &&
                 !manifest_names(m, &h))
            fsck_add(r, FSCK_NOTE, FSCK_FILE_UNLISTED, REPAIR_NOT_NEEDED, NULL, NULL, label,
                     "%s: no manifest names this file; a collection removes it", label);
    }
    arena_release(&a);
}

/* Manifest and files of one generation. */
static int take_generation(struct scan *s, bool old, struct fsck_report *r, struct err *err) {
    struct manifest *m = old ? &s->old_manifest : &s->manifest;
    const char *dir = old ? s->old_dir : s->dir, *where = old ? "oldgen/" : "";
    const char *file = old ? "oldgen/manifest" : "manifest";
    struct err why = ERR_INIT;
    int rc = manifest_read(dir, m, &why);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    *(old ? &s->has_old : &s->has_manifest) = true;
    if (rc == BD_IO || rc == BD_NO_SPACE)
        return err_set(err, rc, "%s", why.msg);
    if (rc != BD_OK) {
        fsck_add(r, FSCK_ERROR, FSCK_MANIFEST_DAMAGED, REPAIR_MANIFEST, NULL, NULL, file, "%s%s", where,
                 why.msg);
        struct manifest none = MANIFEST_INIT;
        *m = none;
        return BD_OK;
    }
    *(old ? &s->old_good : &s->manifest_good) = true;
    struct hash lock = manifest_lock_of(&m->root, m->specs, m->spec_count);
    if (hash_is_zero(&m->lock))
        fsck_add(r, FSCK_ERROR, FSCK_MANIFEST_DAMAGED, REPAIR_MANIFEST, NULL, NULL, file,
                 "%smanifest: its lock is empty", where);
    else if (!hash_eq(&lock, &m->lock))
        fsck_add(r, FSCK_NOTE, FSCK_MANIFEST_STALE, REPAIR_NOT_NEEDED, NULL, NULL, file,
                 LOCK_FORMULA_NOTE, where);
    if (m->version == 4)
        fsck_add(r, FSCK_NOTE, FSCK_MANIFEST_STALE, REPAIR_NOT_NEEDED, NULL, NULL, file,
                 "%smanifest of version 4; the next writer makes it version 5", where);
    for (size_t i = 0; i < m->spec_count; i++)
        if (!hash_eq(&m->specs[i].name, &manifest_journal_name))
            take_file(s, old, &m->specs[i], r);
    look_around(s, old, m, r);
    return BD_OK;
}

/* With no manifest to say which files count, whatever lies there is taken, so that a rescue finds it.
 */
static void take_all_files(struct scan *s, struct fsck_report *r) {
    struct arena a = ARENA_INIT;
    char **names;
    size_t count = scan_list_dir(s->dir, &a, &names);
    struct fsck_report ignored;
    fsck_report_init(&ignored);
    for (size_t i = 0; i < count; i++) {
        struct manifest_spec spec = {.count = 0};
        bool archive;
        if (!scan_is_file_name(names[i], &spec.name, &archive) ||
            hash_eq(&spec.name, &manifest_journal_name))
            continue;
        take_file(s, false, &spec, &ignored);
    }
    for (size_t i = 0; i < ignored.count; i++)
        if (ignored.findings[i].repair == REPAIR_FILES)
            fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_NONE, NULL, NULL,
                     ignored.findings[i].file, "%s", ignored.findings[i].message);
    fsck_report_release(&ignored);
    arena_release(&a);
}

static int take_ghosts(struct scan *s, struct fsck_report *r, struct err *err) {
    struct buf path = BUF_INIT;
    char *text;
    size_t size;
    int rc = BD_OK;
    buf_addf(&path, "%s/ghostObjects.txt", s->dir);
    if (os_read_file(path.data, GHOSTS_SIZE_MAX, &text, &size) == 0) {
        size_t line = 1;
        for (size_t at = 0; at < size; line++) {
            size_t end = at;
            while (end < size && text[end] != '\n')
                end++;
            struct hash h;
            if (hash_parse(text + at, end - at, &h))
                address_map_put(&s->ghosts, &h, 0, 0);
            else
                fsck_add(r, FSCK_ERROR, FSCK_GHOSTS_DAMAGED, REPAIR_NONE, NULL, NULL,
                         "ghostObjects.txt", "ghostObjects.txt: line %zu is not a hash", line);
            at = end + 1;
        }
        free(text);
    } else if (errno != ENOENT) {
        rc = err_errno(err, "cannot read %s", path.data);
    }
    buf_release(&path);
    return rc;
}

static void build_index(struct scan *s) {
    s->slot_count = 64;
    while (s->slot_count < s->count * 2)
        s->slot_count *= 2;
    s->slots = mem_zalloc(s->slot_count, sizeof *s->slots);
    for (size_t i = 0; i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (s->files[e->file].ignored)
            continue;
        size_t at = (size_t)read_u64(e->address.b + 8) & (s->slot_count - 1);
        while (s->slots[at] && !hash_eq(&s->entries[s->slots[at] - 1].address, &e->address))
            at = (at + 1) & (s->slot_count - 1);
        if (!s->slots[at])
            s->slots[at] = (uint32_t)(i + 1);
    }
}

void scan_close(struct scan *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->file_count; i++)
        release_file(&s->files[i]);
    free(s->files);
    free(s->entries);
    free(s->slots);
    free(s->roots);
    address_map_release(&s->ghosts);
    manifest_release(&s->manifest);
    manifest_release(&s->old_manifest);
    free(s->dir);
    free(s->old_dir);
    free(s);
}

static int try_open(struct scan *s, const struct fsck_options *o, struct fsck_report *r,
                    struct err *err) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/" JOURNAL_FILE, s->dir);
    bool journal = os_exists(path.data);
    int rc = take_generation(s, false, r, err);
    if (rc == BD_OK && !s->has_manifest && !journal)
        rc = err_set(err, BD_NOT_FOUND, "no database at %s: it has neither a manifest nor a journal",
                     s->dir);
    if (rc == BD_OK && !s->has_manifest)
        fsck_add(r, FSCK_ERROR, FSCK_MANIFEST_MISSING, REPAIR_MANIFEST, NULL, NULL, "manifest",
                 "the manifest is missing: Dolt sees an empty database here");
    if (rc == BD_OK && !s->manifest_good)
        take_all_files(s, r);
    if (rc == BD_OK && s->manifest_good) {
        s->root = s->manifest.root;
        s->root_known = true;
    }
    if (rc == BD_OK)
        rc = scan_journal(s, o, r, err);
    if (rc == BD_OK)
        rc = take_generation(s, true, r, err);
    if (rc == BD_OK)
        rc = take_ghosts(s, r, err);
    buf_clear(&path);
    buf_addf(&path, "%s/" JOURNAL_FILE, s->old_dir);
    if (rc == BD_OK && os_exists(path.data))
        fsck_add(r, FSCK_ERROR, FSCK_OLDGEN, REPAIR_NONE, NULL, NULL, "oldgen/" JOURNAL_FILE,
                 "oldgen holds a journal: Dolt refuses to open the database");
    if (rc == BD_OK && s->old_good && !hash_is_zero(&s->old_manifest.root))
        fsck_add(r, FSCK_ERROR, FSCK_OLDGEN, REPAIR_MANIFEST, NULL, NULL, "oldgen/manifest",
                 "the manifest of oldgen has a root");
    buf_release(&path);
    if (rc == BD_OK && s->count >= UINT32_MAX - 1)
        rc = err_set(err, BD_UNSUPPORTED, "%s holds more chunks than can be checked", s->dir);
    if (rc == BD_OK) {
        build_index(s);
        scan_journal_indexes(s, o, r);
    }
    return rc;
}

/* Did the set of files change while we opened them? */
static bool moved(const struct scan *s) {
    struct manifest now;
    struct err ignored = ERR_INIT;
    if (!s->manifest_good || manifest_read(s->dir, &now, &ignored) != BD_OK)
        return false;
    bool same = manifest_same_files(&now, &s->manifest);
    manifest_release(&now);
    return !same;
}

int scan_open(struct scan **out, const char *dir, const struct fsck_options *o, struct fsck_report *r,
              struct err *err) {
    *out = NULL;
    for (int attempt = 1;; attempt++) {
        struct scan *s = mem_zalloc(1, sizeof *s);
        struct fsck_report found;
        fsck_report_init(&found);
        found.per_code_max = r->per_code_max;
        s->dir = mem_strdup(dir);
        struct buf old = BUF_INIT;
        buf_addf(&old, "%s/oldgen", dir);
        s->old_dir = buf_detach(&old);
        s->manifest.version = s->old_manifest.version = 5;
        int rc = try_open(s, o, &found, err);
        if (rc == BD_OK && attempt < ATTEMPTS && moved(s)) {
            fsck_report_release(&found);
            scan_close(s);
            continue;
        }
        if (rc == BD_OK) {
            r->summary.files = s->file_count;
            r->summary.root = s->root;
            fsck_absorb(r, &found);
            *out = s;
        } else {
            fsck_report_release(&found);
            scan_close(s);
        }
        return rc;
    }
}

int scan_open_loose(struct scan **out, const char *dir) {
    struct scan *s = mem_zalloc(1, sizeof *s);
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_QUICK};
    fsck_report_init(&ignored);
    s->dir = mem_strdup(dir);
    take_all_files(s, &ignored);
    int rc = scan_journal(s, &o, &ignored, NULL);
    fsck_report_release(&ignored);
    if (rc != BD_OK || !s->count || s->count >= UINT32_MAX - 1) {
        scan_close(s);
        return rc != BD_OK ? rc : BD_NOT_FOUND;
    }
    build_index(s);
    *out = s;
    return BD_OK;
}

int chunk_fsck_files(const char *dir, const struct fsck_options *o, struct fsck_report *r,
                     struct err *err) {
    struct scan *s;
    int rc = scan_open(&s, dir, o, r, err);
    scan_close(s);
    return rc;
}
