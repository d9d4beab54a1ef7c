/* The atomic steps of repairs. */
#include "store/chunk/repair.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/codec.h"
#include "store/chunk/fsck_scan.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/table_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)

int repair_copy(const char *source, uint64_t from, uint64_t to, const char *target, struct err *err) {
    struct stat st;
    int in = os_open(source, O_RDONLY, 0), out = -1, rc = BD_OK;
    if (in < 0 || os_fstat(in, &st) < 0)
        rc = err_errno(err, "cannot read %s", source);
    else if ((out = os_open(target, O_CREAT | O_EXCL | O_WRONLY, 0600)) < 0)
        rc = err_errno(err, "cannot create %s", target);
    uint8_t *block = mem_alloc(BLOCK);
    uint64_t end = rc == BD_OK && to > (uint64_t)st.st_size ? (uint64_t)st.st_size : to;
    for (uint64_t at = from; rc == BD_OK && at < end;) {
        size_t n = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
        if (os_pread_all(in, block, n, (off_t)at) < 0)
            rc = err_errno(err, "cannot read %s", source);
        else if (os_pwrite_all(out, block, n, (off_t)(at - from)) < 0)
            rc = err_errno(err, "cannot write %s", target);
        at += n;
    }
    free(block);
    if (rc == BD_OK && os_fsync(out) < 0)
        rc = err_errno(err, "cannot sync %s", target);
    if (out >= 0 && os_close(out) < 0 && rc == BD_OK)
        rc = err_errno(err, "cannot write %s", target);
    if (in >= 0)
        os_close(in);
    if (rc != BD_OK && out >= 0)
        os_unlink(target);
    return rc;
}

static char *journal_path(const char *dir, const char *name) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/%s", dir, name);
    return buf_detach(&path);
}

int repair_drop_indexes(const char *dir, struct err *err) {
    char *index = journal_path(dir, "journal.idx");
    int rc = BD_OK;
    if (os_unlink(index) < 0 && errno != ENOENT)
        rc = err_errno(err, "cannot remove %s", index);
    else if (os_fsync_dir(dir) < 0)
        rc = err_errno(err, "cannot sync %s", dir);
    journal_index_remove(dir);
    free(index);
    return rc;
}

int repair_cut_journal(const char *dir, uint64_t size, struct err *err) {
    char *path = journal_path(dir, JOURNAL_FILE);
    int rc = repair_drop_indexes(dir, err);
    int fd = rc == BD_OK ? os_open(path, O_RDWR, 0) : -1;
    if (rc == BD_OK && (fd < 0 || os_ftruncate(fd, (off_t)size) < 0 || os_fsync(fd) < 0))
        rc = err_errno(err, "cannot cut %s", path);
    if (fd >= 0)
        os_close(fd);
    free(path);
    return rc;
}

/* ---- salvage ---- */

/* The next place at or behind `at` where a sound record starts; `size` when there is none. */
static size_t next_record(const uint8_t *bytes, size_t size, size_t at, struct journal_record *r) {
    for (; at + 8 <= size; at++) {
        if (bytes[at] != 0 || bytes[at + 1] > 0x50 || bytes[at + 4] < 1 || bytes[at + 4] > 4)
            continue;
        if (journal_record_parse(bytes + at, size - at, r) == JOURNAL_RECORD_OK)
            return at;
    }
    return size;
}

/* A chunk whose content is not what its address says is as bad as a torn record. */
static bool content_fits(const uint8_t *record, const struct journal_record *r) {
    uint8_t *data;
    size_t size;
    if (r->kind != JOURNAL_CHUNK)
        return true;
    if (codec_decode_snappy(record + r->payload_offset, r->payload_size, &data, &size, NULL) != BD_OK)
        return false;
    struct hash real = hash_of(data, size);
    free(data);
    return hash_eq(&real, &r->address);
}

static int copy_records(const uint8_t *bytes, size_t size, int fd, const char *target,
                        struct repair_salvaged *out, struct err *err) {
    struct buf pending = BUF_INIT;
    uint64_t written = 0;
    size_t at = 0;
    int rc = BD_OK;
    while (rc == BD_OK) {
        struct journal_record r;
        size_t found = next_record(bytes, size, at, &r);
        if (found > at) {
            out->damaged_places++;
            out->dropped_bytes += found - at;
        }
        if (found < size && !content_fits(bytes + found, &r)) {
            out->damaged_places++;
            out->dropped_bytes += r.size;
            at = found + r.size;
        } else if (found < size) {
            out->records++;
            out->roots += r.kind == JOURNAL_ROOT;
            buf_add(&pending, bytes + found, r.size);
            at = found + r.size;
        }
        if (pending.size >= BLOCK || found >= size) {
            if (os_pwrite_all(fd, buf_str(&pending), pending.size, (off_t)written) < 0)
                rc = err_errno(err, "cannot write %s", target);
            written += pending.size;
            buf_clear(&pending);
        }
        if (found >= size)
            break;
    }
    buf_release(&pending);
    return rc;
}

int repair_salvage_journal(const char *dir, const char *target, struct repair_salvaged *out,
                           struct err *err) {
    char *path = journal_path(dir, JOURNAL_FILE);
    struct stat st;
    void *map = MAP_FAILED;
    *out = (struct repair_salvaged){0};
    int in = os_open(path, O_RDONLY, 0), fd = -1, rc = BD_OK;
    if (in < 0 || os_fstat(in, &st) < 0)
        rc = err_errno(err, "cannot read %s", path);
    else if (st.st_size == 0)
        rc = err_set(err, BD_INVALID, "%s is empty", path);
    else if ((map = os_mmap((size_t)st.st_size, PROT_READ, MAP_SHARED, in, 0)) == MAP_FAILED)
        rc = err_errno(err, "cannot map %s", path);
    else if ((fd = os_open(target, O_CREAT | O_EXCL | O_WRONLY, 0644)) < 0)
        rc = err_errno(err, "cannot create %s", target);
    if (rc == BD_OK)
        rc = copy_records(map, (size_t)st.st_size, fd, target, out, err);
    if (rc == BD_OK && out->roots == 0)
        rc = err_set(err, BD_INVALID, "no root record of the journal is sound");
    if (rc == BD_OK && os_fsync(fd) < 0)
        rc = err_errno(err, "cannot sync %s", target);
    if (fd >= 0)
        os_close(fd);
    if (map != MAP_FAILED)
        os_munmap(map, (size_t)st.st_size);
    if (in >= 0)
        os_close(in);
    if (rc != BD_OK && fd >= 0)
        os_unlink(target);
    free(path);
    return rc;
}

bool repair_root_behind(const char *dir, uint64_t from) {
    char *path = journal_path(dir, JOURNAL_FILE), *bytes = NULL;
    struct stat st;
    bool found = false;
    int fd = os_open(path, O_RDONLY, 0);
    if (fd >= 0 && os_fstat(fd, &st) == 0 && (uint64_t)st.st_size >= from + JOURNAL_ROOT_SIZE) {
        size_t size = (size_t)((uint64_t)st.st_size - from);
        bytes = mem_alloc(size);
        struct journal_record r;
        if (os_pread_all(fd, bytes, size, (off_t)from) == 0)
            for (size_t at = 0; !found && (at = next_record((uint8_t *)bytes, size, at, &r)) < size;
                 at += r.size)
                found = r.kind == JOURNAL_ROOT;
    }
    if (fd >= 0)
        os_close(fd);
    free(bytes);
    free(path);
    return found;
}

int repair_replace_journal(const char *dir, const char *file, struct err *err) {
    char *path = journal_path(dir, JOURNAL_FILE);
    int rc = repair_drop_indexes(dir, err); /* they name places in the old file */
    if (rc == BD_OK && (os_rename(file, path) < 0 || os_fsync_dir(dir) < 0))
        rc = err_errno(err, "cannot put %s in the place of %s", file, path);
    free(path);
    return rc;
}

int repair_append_root(const char *dir, const struct hash *root, uint64_t unix_seconds,
                       struct err *err) {
    char *path = journal_path(dir, JOURNAL_FILE);
    struct buf record = BUF_INIT;
    struct stat st;
    int fd = os_open(path, O_RDWR, 0), rc = BD_OK;
    journal_append_root(&record, root, unix_seconds);
    if (fd < 0 || os_fstat(fd, &st) < 0 || os_fsync(fd) < 0 ||
        os_pwrite_all(fd, record.data, record.size, st.st_size) < 0 || os_fsync(fd) < 0)
        rc = err_errno(err, "cannot append to %s", path);
    if (fd >= 0)
        os_close(fd);
    buf_release(&record);
    free(path);
    return rc;
}

/* ---- files ---- */

/* Is the file a table file or archive whose frame holds? Gives its chunk count and, of a table file,
 * the name its content gives. */
static bool look_at_file(const char *path, bool archive, uint32_t *count, struct hash *name) {
    struct stat st;
    bool good = false;
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    if (os_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        void *map = os_mmap((size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        struct table t;
        struct archive a;
        if (map == MAP_FAILED) {
        } else if (archive && archive_init(&a, map, (size_t)st.st_size, path, NULL) == BD_OK) {
            *count = a.count;
            archive_release(&a);
            good = true;
        } else if (!archive && table_init(&t, map, (size_t)st.st_size, path, NULL) == BD_OK &&
                   t.count > 0) {
            *count = t.count;
            *name = hash_of(t.suffixes, (size_t)t.count * 12);
            table_release(&t);
            good = true;
        }
        if (map != MAP_FAILED)
            os_munmap(map, (size_t)st.st_size);
    }
    os_close(fd);
    return good;
}

int repair_build_manifest(const char *dir, bool old, const struct hash *root, struct arena *a,
                          struct manifest *out, const char **left_out, struct err *err) {
    char **names;
    size_t count = scan_list_dir(dir, a, &names);
    struct manifest m = MANIFEST_INIT;
    struct buf bad = BUF_INIT;
    bool journal = false;
    for (size_t i = 0; i < count; i++) {
        struct hash name, real;
        bool archive;
        uint32_t chunks;
        if (!scan_is_file_name(names[i], &name, &archive) || manifest_names(&m, &name))
            continue;
        if (hash_eq(&name, &manifest_journal_name)) {
            journal = !old;
            continue;
        }
        if (look_at_file(arena_printf(a, "%s/%s", dir, names[i]), archive, &chunks, &real))
            manifest_add(&m, &name, chunks);
        else
            buf_addf(&bad, "%s%s", bad.size ? ", " : "", names[i]);
    }
    if (journal)
        manifest_add(&m, &manifest_journal_name, 1);
    *left_out = arena_strdup(a, buf_str(&bad));
    buf_release(&bad);
    if (!m.spec_count) {
        manifest_release(&m);
        return err_set(err, BD_NOT_FOUND, "%s holds no file that a manifest could name", dir);
    }
    m.root = old ? HASH_ZERO : *root;
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    *out = m;
    return BD_OK;
}

int repair_find_file(const char *place, const struct hash *name, struct arena *a, const char **found,
                     bool *is_archive, struct err *err) {
    char text[HASH_TEXT_SIZE + 1], **names;
    struct hash real;
    uint32_t count;
    hash_format(name, text);
    for (int archive = 0; archive < 2; archive++) {
        const char *path = arena_printf(a, "%s/%s%s", place, text, archive ? ".darc" : "");
        if (look_at_file(path, archive, &count, &real)) {
            *found = path;
            *is_archive = archive;
            return BD_OK;
        }
    }
    size_t n = scan_list_dir(place, a, &names);
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_printf(a, "%s/%s", place, names[i]);
        if (!strncmp(names[i], "nbs_table_", 10) && look_at_file(path, false, &count, &real) &&
            hash_eq(&real, name)) {
            *found = path;
            *is_archive = false;
            return BD_OK;
        }
    }
    return err_set(err, BD_NOT_FOUND, "%s is not in %s", text, place);
}

int repair_install_file(const char *found, const char *dir, const struct hash *name, bool is_archive,
                        struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    struct buf temp = BUF_INIT, path = BUF_INIT;
    hash_format(name, text);
    buf_addf(&path, "%s/%s%s", dir, text, is_archive ? ".darc" : "");
    buf_addf(&temp, "%s/nbs_table_repair_%ld", dir, (long)getpid());
    os_unlink(temp.data);
    int rc = repair_copy(found, 0, UINT64_MAX, temp.data, err);
    if (rc == BD_OK && (os_rename(temp.data, path.data) < 0 || os_fsync_dir(dir) < 0)) {
        rc = err_errno(err, "cannot put %s in its place", path.data);
        os_unlink(temp.data);
    }
    buf_release(&temp);
    buf_release(&path);
    return rc;
}
