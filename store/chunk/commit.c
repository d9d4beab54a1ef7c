/*
 * Writing. The steady state costs one positional write and one fdatasync: chunk records and a root
 * record appended to the journal under noms/LOCK.
 *
 * What always holds, whatever fails or stops half-way:
 *  - nothing is appended behind bytes that are not known to be synced (a power cut could keep the later
 *    and lose the earlier ones, which real dolt calls data loss);
 *  - a journal file appears only by rename, complete with a root record, and is named by the manifest
 *    before any root in it moves;
 *  - after a failed write the journal is cut back to what it was.
 */
#include "store/chunk/batch.h"
#include "store/chunk/store_internal.h"
#include "store/chunk/table_file.h"

#include "base/datetime.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t unix_now(void) { return (uint64_t)(datetime_now() / MICROS_PER_SECOND); }

/* --- locking --- */

int chunk_store_lock(struct chunk_store *cs, unsigned wait_ms, struct err *err) {
    if (cs->read_only)
        return err_set(err, BD_READ_ONLY, "%s is open for reading only", cs->dir);
    if (cs->lock.held)
        return BD_OK;
    int rc = store_lock_take(&cs->lock, wait_ms, err);
    if (rc != BD_OK)
        return rc;
    rc = chunk_store_refresh(cs, err);
    if (rc != BD_OK)
        store_lock_give(&cs->lock);
    return rc;
}

void chunk_store_unlock(struct chunk_store *cs) { store_lock_give(&cs->lock); }

void chunk_store_set_lock_wait(struct chunk_store *cs, unsigned wait_ms) { cs->lock_wait_ms = wait_ms; }

/* --- the journal file --- */

void store_unlink_indexes(const char *dir) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/journal.idx", dir);
    os_unlink(path.data);
    buf_release(&path);
    journal_index_remove(dir);
}

static int open_for_writing(struct journal *j, struct err *err) {
    if (j->write_fd >= 0)
        return BD_OK;
    j->write_fd = os_open(j->path, O_RDWR, 0);
    struct stat st;
    if (j->write_fd < 0 || os_fstat(j->write_fd, &st) < 0)
        return err_errno(err, "cannot open %s for writing", j->path);
    if (st.st_dev == j->device && st.st_ino == j->inode)
        return BD_OK;
    os_close(j->write_fd);
    j->write_fd = -1;
    return err_set(err, BD_IO, "%s was replaced while noms/LOCK was held", j->path);
}

/* Cuts off the invalid tail that a writer left which died; that no committed data is in it was checked.
 */
static int cut_tail(struct chunk_store *cs, struct journal *j, struct err *err) {
    if (j->size == j->end)
        return BD_OK;
    if (os_ftruncate(j->write_fd, (off_t)j->end) < 0 || os_fsync(j->write_fd) < 0)
        return err_errno(err, "cannot cut %s back to its last valid record", j->path);
    store_unlink_indexes(cs->dir);
    j->size = j->end;
    j->tail = JOURNAL_RECORD_NONE;
    j->synced_end = j->end;
    return BD_OK;
}

/*
 * Whoever wrote the last records may have died before syncing them, or between replacing the manifest
 * and syncing the directory.
 */
static int sync_predecessor(struct chunk_store *cs, struct journal *j, struct err *err) {
    if (journal_is_synced(j))
        return BD_OK;
    if (os_fdatasync(j->write_fd) < 0)
        return err_errno(err, "cannot sync %s", j->path);
    if (os_fsync_dir(cs->dir) < 0)
        return err_errno(err, "cannot sync %s", cs->dir);
    j->synced_end = j->end;
    return BD_OK;
}

int store_sync_journal(struct chunk_store *cs, struct err *err) {
    struct journal *j = cs->now.journal;
    int rc = j ? open_for_writing(j, err) : BD_OK;
    return j && rc == BD_OK ? sync_predecessor(cs, j, err) : rc;
}

/* After a failed write or sync: the journal as it was before. True when that is certain. */
static bool roll_back(struct journal *j) {
    return os_ftruncate(j->write_fd, (off_t)j->end) == 0 && os_fsync(j->write_fd) == 0;
}

static int append_failed(struct chunk_store *cs, struct journal *j, const char *what, struct err *err) {
    int rc = err_errno(err, "cannot %s %s", what, j->path);
    bool back = roll_back(j);
    if (!back)
        cs->write_failed = true;
    if (err) {
        size_t used = strlen(err->msg);
        snprintf(err->msg + used, sizeof err->msg - used, "%s",
                 back ? "; nothing was published"
                      : "; whether it was published is unknown: reopen the database to see");
    }
    return rc == BD_NO_SPACE ? rc : BD_IO;
}

/* Appends records, of which the last is a root record, and makes them durable. */
static int append(struct chunk_store *cs, const struct buf *records, struct err *err) {
    struct journal *j = cs->now.journal;
    int rc = sync_predecessor(cs, j, err);
    if (rc != BD_OK)
        return rc;
    if (!store_lock_is_ours(&cs->lock))
        return err_set(err, BD_BUSY, "%s was deleted while it was held; try again", cs->lock.path);
    if (os_pwrite_all(j->write_fd, records->data, records->size, (off_t)j->end) < 0)
        return append_failed(cs, j, "append to", err);
    if (os_fdatasync(j->write_fd) < 0)
        return append_failed(cs, j, "sync", err);
    rc = journal_appended(j, (const uint8_t *)records->data, records->size, err);
    cs->now.root = j->root;
    journal_note_synced(j);
    return rc;
}

/*
 * The folder that holds the database: whoever put the database there (a restore) may have died before
 * that was durable, and what is acknowledged now must not vanish with it. A database from a restore has
 * no journal, so it is enough to do this when one is made.
 */
static int sync_folder_of(struct chunk_store *cs, struct err *err) {
    struct buf path = BUF_INIT;
    int rc = BD_OK;
    static const char inside[] = "/.dolt/noms";
    size_t size = strlen(cs->dir);
    size_t end =
        size > sizeof inside - 1 ? size - (sizeof inside - 1) : 0; /* behind the database's name */
    bool usual = end && strcmp(cs->dir + end, inside) == 0;
    while (end && cs->dir[end - 1] != '/')
        end--;
    if (end > 1) /* an absolute or a relative folder; the slash goes */
        buf_add(&path, cs->dir, end - 1);
    else
        buf_add_str(&path, end ? "/" : ".");
    if (usual && os_fsync_dir(path.data) < 0 && errno == EIO)
        rc = err_errno(err, "cannot sync the folder of the database above %s", cs->dir);
    buf_release(&path);
    return rc;
}

/* A new journal file with the current root and the chunks, durable under its name; not yet listed. */
static int create_journal(struct chunk_store *cs, const struct batch *b, struct err *err) {
    static atomic_uint counter;
    struct buf temp = BUF_INIT, path = BUF_INIT, head = BUF_INIT;
    buf_addf(&path, "%s/" JOURNAL_FILE, cs->dir);
    journal_append_root(&head, &cs->now.root, unix_now());
    int fd;
    do { /* a name that dolt's prune sweeps away should we die */
        buf_clear(&temp);
        buf_addf(&temp, "%s/nbs_table_j%ld_%u", cs->dir, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, 0666);
    } while (fd < 0 && errno == EEXIST);
    int rc = BD_OK;
    if (fd < 0) {
        rc = err_errno(err, "cannot create %s", temp.data);
    } else {
        if (os_pwrite_all(fd, head.data, head.size, 0) < 0 ||
            os_pwrite_all(fd, b->records.data, b->records.size, (off_t)head.size) < 0 ||
            os_fsync(fd) < 0)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (os_close(fd) < 0 && rc == BD_OK)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (rc == BD_OK) {
            store_unlink_indexes(cs->dir);
            if (os_rename(temp.data, path.data) < 0)
                rc = err_errno(err, "cannot rename %s to %s", temp.data, path.data);
            else if (os_fsync_dir(cs->dir) < 0)
                rc = err_errno(err, "cannot sync %s", cs->dir);
            else
                rc = sync_folder_of(cs, err);
        }
        if (rc != BD_OK)
            os_unlink(temp.data);
    }
    buf_release(&temp);
    buf_release(&path);
    buf_release(&head);
    return rc;
}

/*
 * An unlisted journal that holds no root of its own is the trace of an interrupted collection, which
 * may have ended before its manifest was durable: that comes first, else a power cut could leave a
 * manifest that names a journal which is gone.
 */
static int remove_journal(struct chunk_store *cs, struct err *err) {
    if (os_fsync_dir(cs->dir) < 0)
        return err_errno(err, "cannot sync %s", cs->dir);
    store_unlink_indexes(cs->dir);
    if (os_unlink(cs->now.journal->path) < 0 && errno != ENOENT)
        return err_errno(err, "cannot remove %s", cs->now.journal->path);
    if (os_fsync_dir(cs->dir) < 0)
        return err_errno(err, "cannot sync %s", cs->dir);
    return chunk_store_refresh(cs, err);
}

/* --- the manifest --- */

/* Publishes the present files and those added, with `root`; the snapshot follows. */
static int publish(struct chunk_store *cs, const struct manifest_spec *added, size_t count,
                   const struct hash *root, struct err *err) {
    struct manifest m;
    manifest_copy(&m, &cs->now.young.manifest);
    for (size_t i = 0; i < count; i++)
        if (!manifest_names(&m, &added[i].name))
            manifest_add(&m, &added[i].name, added[i].count);
    m.root = *root;
    m.lock = manifest_lock_of(root, m.specs, m.spec_count);
    bool renamed = false;
    int rc = store_lock_is_ours(&cs->lock)
                 ? manifest_write(cs->dir, &m, &renamed, err)
                 : err_set(err, BD_BUSY, "%s was deleted while it was held; try again", cs->lock.path);
    if (rc != BD_OK && renamed)
        cs->write_failed = true;
    manifest_release(&m);
    return rc == BD_OK ? chunk_store_refresh(cs, err) : rc;
}

/* --- commit --- */

/* Brings journal and manifest into the one state that appending starts from: a listed journal with a
 * root and no tail, or no journal at all. */
static int tidy(struct chunk_store *cs, struct err *err) {
    struct journal *j = cs->now.journal;
    if (!j)
        return BD_OK;
    if (!cs->now.journal_listed && (!j->has_root || hash_eq(&j->root, &cs->now.young.manifest.root)))
        return remove_journal(cs, err);
    int rc = open_for_writing(j, err);
    if (rc == BD_OK)
        rc = cut_tail(cs, j, err);
    if (rc == BD_OK && !cs->now.journal_listed) {
        struct manifest_spec spec = {manifest_journal_name, (uint32_t)journal_chunk_count(j)};
        rc = sync_predecessor(cs, j, err);
        if (rc == BD_OK)
            rc = publish(cs, &spec, 1, &j->root, err);
        j = cs->now.journal;
    }
    if (rc == BD_OK && !j->has_root) {
        struct buf record = BUF_INIT;
        journal_append_root(&record, &cs->now.young.manifest.root, unix_now());
        rc = append(cs, &record, err);
        buf_release(&record);
    }
    return rc;
}

/* The chunks that no journal record can hold, as a table file. */
static int write_large(struct chunk_store *cs, const struct batch *b, struct manifest_spec *spec,
                       struct err *err) {
    spec->count = (uint32_t)b->large_count;
    return table_write(cs->dir, b->large, b->large_count, &spec->name, err);
}

static int write_batch(struct chunk_store *cs, struct batch *b, const struct hash *new_root,
                       struct err *err) {
    struct manifest_spec added[2];
    size_t count = 0;
    int rc = BD_OK;
    if (b->large_count > 0)
        rc = write_large(cs, b, &added[count++], err);
    if (rc == BD_OK && !cs->now.journal) {
        if (b->record_count ==
            0) /* no file can hold a journal without chunks, so the manifest alone tells */
            return publish(cs, added, count, new_root, err);
        rc = create_journal(cs, b, err);
        added[count++] = (struct manifest_spec){manifest_journal_name, b->record_count};
        buf_clear(&b->records);
    }
    if (rc == BD_OK && count > 0)
        rc = publish(cs, added, count, &cs->now.root, err);
    if (rc == BD_OK)
        rc = open_for_writing(cs->now.journal, err);
    if (rc != BD_OK)
        return rc;
    journal_append_root(&b->records, new_root, unix_now());
    return append(cs, &b->records, err);
}

/* Identifies what de-duplication depends on. */
struct basis {
    uint64_t generation, journal_end;
};
static struct basis basis_of(const struct chunk_store *cs) {
    return (struct basis){cs->generation, cs->now.journal ? cs->now.journal->end : 0};
}

/* The last line of defence against a database whose root leads nowhere. */
static int check_root(struct chunk_store *cs, const struct chunk_write *chunks, size_t count,
                      const struct hash *new_root, struct err *err) {
    for (size_t i = 0; i < count; i++)
        if (hash_eq(&chunks[i].hash, new_root))
            return BD_OK;
    int rc = hash_is_zero(new_root) ? BD_NOT_FOUND : store_find(cs, new_root, err);
    if (rc == BD_NOT_FOUND)
        rc = err_set(err, BD_INVALID,
                     "the new root is neither among the chunks of the commit nor in %s", cs->dir);
    return rc;
}

static int commit_locked(struct chunk_store *cs, const struct hash *expected, struct batch *b,
                         struct basis basis, const struct chunk_write *chunks, size_t count,
                         const struct hash *new_root, struct err *err) {
    struct hash root = cs->now.root;
    if (!hash_eq(&root, expected)) {
        char is[HASH_TEXT_SIZE + 1], was[HASH_TEXT_SIZE + 1];
        hash_format(&root, is);
        hash_format(expected, was);
        return err_set(err, BD_ROOT_MOVED, "the root of %s moved from %s to %s", cs->dir, was, is);
    }
    int rc = check_root(cs, chunks, count, new_root, err);
    if (rc == BD_OK)
        rc = tidy(cs, err);
    struct basis now = basis_of(cs);
    if (rc == BD_OK && (now.generation != basis.generation || now.journal_end != basis.journal_end))
        rc = batch_build(b, cs, chunks, count, err);
    if (rc != BD_OK)
        return rc;
    if (b->record_count == 0 && b->large_count == 0 && hash_eq(new_root, expected))
        return BD_OK;
    return write_batch(cs, b, new_root, err);
}

static int commit_chunks(struct chunk_store *cs, const struct hash *expected,
                         const struct chunk_write *chunks, size_t count, bool all_new,
                         const struct hash *new_root, struct err *err) {
    if (cs->read_only)
        return err_set(err, BD_READ_ONLY, "cannot update manifest: database is read only (%s)",
                       cs->dir);
    if (cs->write_failed)
        return err_set(err, BD_IO, "an earlier write to %s failed in an unknown state; reopen it",
                       cs->dir);
    struct batch b = BATCH_INIT;
    struct basis basis = basis_of(cs);
    bool held = cs->lock.held;
    uint64_t losses = cs->losses;
    /* compresses before anybody has to wait */
    int rc = batch_build(&b, all_new ? NULL : cs, chunks, count, err);
    if (rc == BD_OK && !held)
        rc = chunk_store_lock(cs, cs->lock_wait_ms, err);
    if (rc == BD_OK && cs->losses != losses)
        rc = err_set(err, BD_ROOT_MOVED, "a collection changed the files of %s meanwhile", cs->dir);
    if (rc == BD_OK)
        rc = commit_locked(cs, expected, &b, basis, chunks, count, new_root, err);
    if (!held)
        store_lock_give(&cs->lock);
    batch_release(&b);
    return rc;
}

int chunk_store_commit(struct chunk_store *cs, const struct hash *expected,
                       const struct chunk_write *chunks, size_t count, const struct hash *new_root,
                       struct err *err) {
    return commit_chunks(cs, expected, chunks, count, false, new_root, err);
}

int chunk_store_commit_new(struct chunk_store *cs, const struct hash *expected,
                           const struct chunk_write *chunks, size_t count, const struct hash *new_root,
                           struct err *err) {
    return commit_chunks(cs, expected, chunks, count, true, new_root, err);
}

/* A collection takes away files that nobody names; one that is named must be there. */
static int check_files(const struct chunk_store *cs, const struct manifest_spec *files, size_t count,
                       struct err *err) {
    struct buf path = BUF_INIT;
    int rc = BD_OK;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&files[i].name, text);
        buf_clear(&path);
        buf_addf(&path, "%s/%s", cs->dir, text);
        if (os_exists(path.data))
            continue;
        buf_add_str(&path, ".darc");
        if (!os_exists(path.data))
            rc = err_set(err, BD_ROOT_MOVED, "%s/%s is gone: a collection ran meanwhile; try again",
                         cs->dir, text);
    }
    buf_release(&path);
    return rc;
}

int chunk_store_add_files(struct chunk_store *cs, const struct manifest_spec *files, size_t count,
                          struct err *err) {
    bool held = cs->lock.held;
    int rc = held ? BD_OK : chunk_store_lock(cs, cs->lock_wait_ms, err);
    if (rc == BD_OK)
        rc = check_files(cs, files, count, err);
    if (rc == BD_OK)
        rc = tidy(cs, err);
    if (rc == BD_OK && os_fsync_dir(cs->dir) < 0) /* the files' names before what names them */
        rc = err_errno(err, "cannot sync %s", cs->dir);
    if (rc == BD_OK)
        rc = publish(cs, files, count, &cs->now.root, err);
    if (!held)
        chunk_store_unlock(cs);
    return rc;
}
