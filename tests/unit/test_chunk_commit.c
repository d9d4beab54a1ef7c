/* Writing to a store: creation, commits, recovery of interrupted states, locking, failures of the disk.
 */
#include "base/os.h"
#include "store/chunk/batch.h"
#include "store/chunk/chunk_load.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/manifest.h"
#include "store/chunk/table_file.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[300];
static struct err err;

static const char *in_dir(const char *name) {
    static char path[4][512];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static int fresh(void **state) {
    (void)state;
    static int number;
    snprintf(dir, sizeof dir, "%s/db%d", scratch, number++);
    if (mkdir(dir, 0755) < 0)
        return -1;
    strcat(dir, "/noms");
    return 0;
}

/* A chunk whose content is the text made from two numbers. */
struct text_chunk {
    char text[100];
    struct chunk_write write;
};
static struct chunk_write *make_chunk(struct text_chunk *c, const char *what, int a, int b) {
    snprintf(c->text, sizeof c->text, "%s %d/%d: some text that is longer than sixteen bytes", what, a,
             b);
    c->write = (struct chunk_write){hash_of(c->text, strlen(c->text)), (const uint8_t *)c->text,
                                    strlen(c->text)};
    return &c->write;
}

static struct hash create(int id) {
    struct text_chunk c;
    make_chunk(&c, "created", id, 0);
    if (chunk_store_create(dir, &c.write, 1, &c.write.hash, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return c.write.hash;
}

static struct chunk_store *open_store(void) {
    struct chunk_store *cs;
    if (chunk_store_open(&cs, dir, 0, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return cs;
}

/* One commit of one chunk that becomes the root. */
static int commit_text(struct chunk_store *cs, const char *what, int a, int b) {
    struct text_chunk c;
    make_chunk(&c, what, a, b);
    struct hash root = chunk_store_root(cs);
    return chunk_store_commit(cs, &root, &c.write, 1, &c.write.hash, &err);
}

static void assert_readable(struct chunk_store *cs, const struct hash *h) {
    struct chunk chunk;
    if (chunk_store_get(cs, h, &chunk, &err) != BD_OK)
        fail_msg("%s", err.msg);
    struct hash actual = hash_of(chunk.data, chunk.size);
    assert_true(hash_eq(&actual, h));
}

static void assert_root_text(const char *what, int a, int b) {
    struct text_chunk c;
    make_chunk(&c, what, a, b);
    struct chunk_store *cs = open_store();
    struct hash root = chunk_store_root(cs);
    assert_true(hash_eq(&root, &c.write.hash));
    assert_readable(cs, &root);
    chunk_store_close(cs);
}

static off_t file_size(const char *name) {
    struct stat st;
    return stat(in_dir(name), &st) == 0 ? st.st_size : -1;
}

static void created_store_reads_back(void **state) {
    (void)state;
    struct hash root = create(1);
    assert_root_text("created", 1, 0);
    struct manifest m;
    assert_int_equal(manifest_read(dir, &m, &err), BD_OK);
    assert_true(hash_eq(&m.root, &root));
    assert_int_equal(m.spec_count, 1);
    assert_true(manifest_names(&m, &manifest_journal_name));
    struct hash lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    assert_true(hash_eq(&lock, &m.lock));
    manifest_release(&m);
    struct text_chunk c;
    make_chunk(&c, "again", 0, 0);
    assert_int_equal(chunk_store_create(dir, &c.write, 1, &c.write.hash, &err), BD_EXISTS);
    assert_root_text("created", 1, 0);
    struct chunk_store *cs;
    assert_int_equal(chunk_store_open(&cs, scratch, 0, &err), BD_NOT_FOUND);
    struct hash zero = HASH_ZERO;
    strcat(dir, "2/noms");
    assert_int_equal(chunk_store_create(dir, &c.write, 1, &zero, &err), BD_NOT_FOUND); /* no parent */
}

static void empty_store_takes_its_first_root(void **state) {
    (void)state;
    struct hash zero = HASH_ZERO, one = hash_of("x", 1);
    assert_int_equal(chunk_store_create(dir, NULL, 0, &one, &err), BD_INVALID);
    assert_int_equal(chunk_store_create(dir, NULL, 0, &zero, &err), BD_OK);
    struct chunk_store *cs = open_store();
    struct hash root = chunk_store_root(cs);
    assert_true(hash_is_zero(&root));
    assert_int_equal(commit_text(cs, "first", 1, 1), BD_OK);
    assert_int_equal(commit_text(cs, "first", 1, 2), BD_OK);
    chunk_store_close(cs);
    assert_root_text("first", 1, 2);
}

static void commits_survive_and_cost_no_duplicates(void **state) {
    (void)state;
    create(2);
    struct chunk_store *cs = open_store();
    for (int i = 0; i < 50; i++)
        assert_int_equal(commit_text(cs, "commit", i, 0), BD_OK);
    off_t size = file_size(JOURNAL_FILE);
    struct text_chunk c[3];
    make_chunk(&c[0], "commit", 7, 0);
    make_chunk(&c[1], "commit", 8, 0);
    make_chunk(&c[2], "new", 1, 0);
    struct hash root = chunk_store_root(cs);
    struct chunk_write chunks[] = {c[0].write, c[1].write, c[0].write};
    /* Nothing new at all: nothing is written. */
    assert_int_equal(chunk_store_commit(cs, &root, chunks, 3, &root, &err), BD_OK);
    assert_int_equal(file_size(JOURNAL_FILE), size);
    /* An old chunk as root: one root record. */
    assert_int_equal(chunk_store_commit(cs, &root, chunks, 3, &c[1].write.hash, &err), BD_OK);
    assert_int_equal(file_size(JOURNAL_FILE), size + JOURNAL_ROOT_SIZE);
    /* The same new chunk twice: one record. */
    struct chunk_write twice[] = {c[2].write, c[2].write};
    assert_int_equal(chunk_store_commit(cs, &c[1].write.hash, twice, 2, &c[2].write.hash, &err), BD_OK);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    assert_int_equal(stats.journal_chunks, 52);
    chunk_store_close(cs);
    assert_root_text("new", 1, 0);
}

static void wrong_input_is_refused(void **state) {
    (void)state;
    create(3);
    struct chunk_store *cs = open_store();
    struct hash root = chunk_store_root(cs), nowhere = hash_of("nowhere", 7), zero = HASH_ZERO;
    struct chunk_write empty = {nowhere, (const uint8_t *)"", 0};
    assert_int_equal(chunk_store_commit(cs, &root, &empty, 1, &nowhere, &err), BD_INVALID);
    assert_int_equal(chunk_store_commit(cs, &root, NULL, 0, &nowhere, &err), BD_INVALID);
    assert_int_equal(chunk_store_commit(cs, &root, NULL, 0, &zero, &err), BD_INVALID);
    assert_root_text("created", 3, 0);
    chunk_store_close(cs);
    assert_int_equal(chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err), BD_OK);
    assert_int_equal(commit_text(cs, "no", 0, 0), BD_READ_ONLY);
    assert_int_equal(chunk_store_lock(cs, 0, &err), BD_READ_ONLY);
    chunk_store_close(cs);
    assert_int_equal(file_size("LOCK"), 0);
}

static void snapshots_stay_until_refreshed(void **state) {
    (void)state;
    struct hash first = create(4);
    struct chunk_store *reader = open_store(), *writer = open_store();
    assert_int_equal(commit_text(writer, "second", 0, 0), BD_OK);
    struct hash root = chunk_store_root(reader), second = chunk_store_root(writer);
    assert_true(hash_eq(&root, &first));
    assert_int_equal(chunk_store_has(reader, &second, &err), BD_NOT_FOUND);
    /* A writer with an old snapshot loses the race and learns the new root. */
    assert_int_equal(commit_text(reader, "third", 0, 0), BD_ROOT_MOVED);
    root = chunk_store_root(reader);
    assert_true(hash_eq(&root, &second));
    assert_readable(reader, &second);
    assert_int_equal(commit_text(reader, "third", 0, 0), BD_OK);
    assert_int_equal(chunk_store_refresh(writer, &err), BD_OK);
    root = chunk_store_root(reader);
    second = chunk_store_root(writer);
    assert_true(hash_eq(&root, &second));
    chunk_store_close(reader);
    chunk_store_close(writer);
}

static void chunks_too_large_for_the_journal_go_to_a_table_file(void **state) {
    (void)state;
    create(5);
    struct chunk_store *cs = open_store();
    size_t size = 6 << 20;
    uint8_t *big = malloc(size);
    srandom(7);
    for (size_t i = 0; i < size; i++)
        big[i] = (uint8_t)random(); /* does not compress */
    struct text_chunk small;
    make_chunk(&small, "beside", 0, 0);
    struct chunk_write chunks[] = {{hash_of(big, size), big, size}, small.write};
    struct hash root = chunk_store_root(cs);
    assert_int_equal(chunk_store_commit(cs, &root, chunks, 2, &small.write.hash, &err), BD_OK);
    assert_readable(cs, &chunks[0].hash);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    assert_int_equal(stats.table_files, 1);
    assert_int_equal(stats.journal_chunks, 2);
    chunk_store_close(cs);
    cs = open_store();
    assert_readable(cs, &chunks[0].hash);
    assert_readable(cs, &small.write.hash);
    chunk_store_close(cs);
    /* The same in a new store. */
    strcpy(strrchr(dir, '/'), "/other");
    assert_int_equal(chunk_store_create(dir, chunks, 2, &chunks[0].hash, &err), BD_OK);
    cs = open_store();
    assert_readable(cs, &chunks[0].hash);
    chunk_store_close(cs);
    free(big);
}

/* Rewrites the manifest with the journal taken out, as after the first step of an interrupted
 * collection. */
static void unlist_journal(const struct hash *root) {
    struct manifest m;
    bool renamed;
    assert_int_equal(manifest_read(dir, &m, &err), BD_OK);
    m.spec_count = 0;
    m.root = *root;
    m.lock = manifest_lock_of(root, NULL, 0);
    assert_int_equal(manifest_write(dir, &m, &renamed, &err), BD_OK);
    manifest_release(&m);
}

static void a_collected_store_gets_a_new_journal(void **state) {
    (void)state;
    /* As after a collection: a table file, no journal. */
    create(6);
    struct text_chunk c;
    make_chunk(&c, "created", 6, 0);
    struct hash name;
    int rc = BD_OK;
    {
        struct manifest m;
        bool renamed;
        assert_int_equal(manifest_read(dir, &m, &err), BD_OK);

        rc = table_write(dir, &c.write, 1, &name, &err);
        m.specs[0] = (struct manifest_spec){name, 1};
        m.lock = manifest_lock_of(&m.root, m.specs, 1);
        assert_int_equal(manifest_write(dir, &m, &renamed, &err), BD_OK);
        manifest_release(&m);
    }
    assert_int_equal(rc, BD_OK);
    unlink(in_dir(JOURNAL_FILE));
    struct chunk_store *cs = open_store();
    assert_readable(cs, &c.write.hash);
    /* A root that moves without a new chunk needs no journal. */
    assert_int_equal(chunk_store_commit(cs, &c.write.hash, &c.write, 1, &c.write.hash, &err), BD_OK);
    assert_int_equal(file_size(JOURNAL_FILE), -1);
    int fd = open(in_dir("journal.idx"), O_CREAT | O_WRONLY, 0644);
    close(fd);
    assert_int_equal(commit_text(cs, "after", 6, 0), BD_OK);
    assert_int_equal(file_size("journal.idx"), -1);
    chunk_store_close(cs);
    assert_root_text("after", 6, 0);
    /* The new journal starts with the root it grew from. */
    char *bytes;
    size_t size;
    assert_int_equal(os_read_file(in_dir(JOURNAL_FILE), 1 << 20, &bytes, &size), 0);
    struct journal_record r;
    assert_int_equal(journal_record_parse((uint8_t *)bytes, size, &r), JOURNAL_RECORD_OK);
    assert_int_equal(r.kind, JOURNAL_ROOT);
    assert_true(hash_eq(&r.address, &c.write.hash));
    free(bytes);
}

static void an_unlisted_journal_of_the_same_root_is_discarded(void **state) {
    (void)state;
    struct hash root = create(7);
    unlist_journal(&root);
    struct chunk_store *cs = open_store();
    assert_int_equal(chunk_store_has(cs, &root, &err), BD_NOT_FOUND); /* its chunks do not count … */
    assert_readable(cs, &root); /* … but are still good for reading */
    struct text_chunk c[2];
    make_chunk(&c[0], "created", 7, 0);
    make_chunk(&c[1], "next", 7, 0);
    struct chunk_write chunks[] = {c[0].write, c[1].write};
    assert_int_equal(chunk_store_commit(cs, &root, chunks, 2, &c[1].write.hash, &err), BD_OK);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    assert_int_equal(stats.journal_chunks, 2);
    chunk_store_close(cs);
    assert_root_text("next", 7, 0);
}

static void an_unlisted_journal_of_another_root_is_listed(void **state) {
    (void)state;
    struct hash root = create(8), other = hash_of("elsewhere", 9);
    unlist_journal(&other);
    struct chunk_store *cs = open_store();
    struct hash seen = chunk_store_root(cs);
    assert_true(hash_eq(&seen, &root)); /* the journal is the source of truth */
    assert_int_equal(commit_text(cs, "next", 8, 0), BD_OK);
    assert_int_equal(chunk_store_has(cs, &root, &err), BD_OK);
    chunk_store_close(cs);
    assert_root_text("next", 8, 0);
    struct manifest m;
    assert_int_equal(manifest_read(dir, &m, &err), BD_OK);
    assert_true(manifest_names(&m, &manifest_journal_name));
    manifest_release(&m);
}

static void a_listed_journal_without_root_keeps_the_root_of_the_manifest(void **state) {
    (void)state;
    struct hash root = create(9);
    assert_int_equal(truncate(in_dir(JOURNAL_FILE), file_size(JOURNAL_FILE) - JOURNAL_ROOT_SIZE), 0);
    struct chunk_store *cs = open_store();
    struct hash seen = chunk_store_root(cs);
    assert_true(hash_eq(&seen, &root));
    assert_int_equal(commit_text(cs, "next", 9, 0), BD_OK);
    chunk_store_close(cs);
    assert_root_text("next", 9, 0);
}

static void append_bytes(const char *name, const void *bytes, size_t size) {
    int fd = open(in_dir(name), O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void torn_tails_are_cut_by_the_next_writer_only(void **state) {
    (void)state;
    create(10);
    struct chunk_store *cs = open_store();
    assert_int_equal(commit_text(cs, "whole", 10, 0), BD_OK);
    chunk_store_close(cs);
    off_t good = file_size(JOURNAL_FILE);
    struct buf torn = BUF_INIT;
    struct text_chunk c;
    make_chunk(&c, "torn", 10, 0);
    journal_append_chunk(&torn, &c.write.hash, c.write.data, c.write.size);
    append_bytes(JOURNAL_FILE, torn.data, torn.size - 5);
    cs = open_store();
    assert_int_equal(chunk_store_has(cs, &c.write.hash, &err), BD_NOT_FOUND);
    chunk_store_close(cs);
    assert_int_equal(file_size(JOURNAL_FILE), good + (off_t)torn.size - 5);
    cs = open_store();
    assert_int_equal(commit_text(cs, "torn", 10, 0), BD_OK);
    chunk_store_close(cs);
    assert_int_equal(file_size(JOURNAL_FILE), good + (off_t)torn.size + JOURNAL_ROOT_SIZE);
    assert_root_text("torn", 10, 0);
    buf_release(&torn);
}

static void a_tail_with_committed_data_is_never_cut(void **state) {
    (void)state;
    struct hash root = create(11);
    struct buf tail = BUF_INIT;
    buf_add(&tail, "\0\0\1\0garbage garbage garbage garbage", 34);
    journal_append_root(&tail, &root, 1);
    journal_append_root(&tail, &root, 2);
    struct chunk_store *cs = open_store();
    append_bytes(JOURNAL_FILE, tail.data, tail.size);
    off_t size = file_size(JOURNAL_FILE);
    assert_int_equal(commit_text(cs, "lost", 11, 0), BD_CORRUPT);
    assert_non_null(strstr(err.msg, "possible data loss detected in journal file"));
    assert_non_null(strstr(err.msg, "corrupted journal"));
    assert_int_equal(file_size(JOURNAL_FILE), size);
    chunk_store_close(cs);
    assert_int_equal(chunk_store_open(&cs, dir, 0, &err), BD_CORRUPT);
    assert_int_equal(file_size(JOURNAL_FILE), size);
    buf_release(&tail);
}

/* --- every way in which the end of a journal may be torn (11.4 of the format's test list) --- */

static void write_whole(const char *name, const char *bytes, size_t size) {
    int fd = open(in_dir(name), O_RDWR | O_TRUNC);
    assert_int_equal(os_pwrite_all(fd, bytes, size, 0), 0);
    close(fd);
}

static void any_cut_or_flip_at_the_end_shows_the_last_whole_root(void **state) {
    (void)state;
    create(17);
    struct chunk_store *cs = open_store();
    off_t ends[8];
    for (int i = 0; i < 8; i++) {
        assert_int_equal(commit_text(cs, "step", i, 0), BD_OK);
        ends[i] = file_size(JOURNAL_FILE);
    }
    chunk_store_close(cs);
    char *bytes;
    size_t size;
    assert_int_equal(os_read_file(in_dir(JOURNAL_FILE), 1 << 20, &bytes, &size), 0);
    for (size_t cut = size - 300; cut <= size; cut++) {
        write_whole(JOURNAL_FILE, bytes, cut);
        int whole = 7;
        while (ends[whole] > (off_t)cut)
            whole--;
        assert_root_text("step", whole, 0);
        /* The next writer goes on from there. */
        if (cut % 50 == 0) {
            cs = open_store();
            assert_int_equal(commit_text(cs, "went on", (int)cut, 0), BD_OK);
            chunk_store_close(cs);
            assert_root_text("went on", (int)cut, 0);
        }
    }
    for (size_t at = size - JOURNAL_ROOT_SIZE; at < size; at++) {
        char c = bytes[at];
        bytes[at] ^= 1;
        write_whole(JOURNAL_FILE, bytes, size);
        assert_root_text("step", 6, 0);
        bytes[at] = c;
    }
    /* A hole between two roots is loss. */
    memset(bytes + ends[3], 0, 60);
    write_whole(JOURNAL_FILE, bytes, size);
    assert_int_equal(chunk_store_open(&cs, dir, 0, &err), BD_CORRUPT);
    free(bytes);
}

static int remember_root(void *ctx, const struct hash *root, uint64_t unix_seconds, struct err *e) {
    (void)e;
    struct buf *list = ctx;
    assert_true(unix_seconds > 1600000000);
    buf_add(list, root->b, HASH_SIZE);
    return BD_OK;
}

static void the_journal_remembers_its_roots(void **state) {
    (void)state;
    struct hash roots[4] = {create(18)};
    struct chunk_store *cs = open_store();
    for (int i = 1; i < 4; i++) {
        assert_int_equal(commit_text(cs, "root", i, 0), BD_OK);
        roots[i] = chunk_store_root(cs);
    }
    struct buf list = BUF_INIT;
    assert_int_equal(chunk_store_each_root(cs, remember_root, &list, &err), BD_OK);
    assert_int_equal(list.size, sizeof roots);
    assert_memory_equal(list.data, roots, sizeof roots);
    buf_release(&list);
    assert_readable(cs, &roots[2]);
    chunk_store_forget_chunks(cs);
    assert_readable(cs, &roots[2]);
    chunk_store_close(cs);
}

static const uint8_t *read_passing(struct chunk_store *cs, const struct hash *h) {
    struct chunk c;
    assert_int_equal(chunk_store_get_passing(cs, h, &c, &err), BD_OK);
    return c.data;
}

static void what_is_read_in_passing_is_forgotten_unless_it_is_kept(void **state) {
    (void)state;
    struct hash roots[3] = {create(21)};
    struct chunk_store *cs = open_store();
    struct chunk c;
    for (int i = 1; i < 3; i++) {
        assert_int_equal(commit_text(cs, "root", i, 0), BD_OK);
        roots[i] = chunk_store_root(cs);
    }
    const uint8_t *kept = read_passing(cs, &roots[0]);
    chunk_store_keep_passing(cs);
    const uint8_t *got = read_passing(cs, &roots[1]);
    assert_int_equal(chunk_store_get(cs, &roots[1], &c, &err), BD_OK);
    assert_ptr_equal(c.data, got); /* asked for, so it stays */
    read_passing(cs, &roots[2]);
    unsigned before = chunk_store_forgotten(cs);
    chunk_store_forget_passing(cs, (size_t)1 << 20); /* too little to be worth it */
    assert_int_equal(chunk_store_forgotten(cs), before);
    chunk_store_forget_passing(cs, 0);
    assert_int_equal(chunk_store_forgotten(cs), before + 1);
    assert_ptr_equal(read_passing(cs, &roots[0]), kept);
    assert_ptr_equal(read_passing(cs, &roots[1]), got);
    assert_readable(cs, &roots[2]);
    assert_int_equal(chunk_store_get(cs, &roots[0], &c, &err), BD_OK);
    assert_ptr_equal(c.data, kept);
    chunk_store_close(cs);
}

/* --- a disk that fails --- */

static int fail_after, fail_errno;
static bool fail_short;
static ssize_t failing_pwrite(int fd, const void *buf, size_t size, off_t offset) {
    if (fail_after > 0 && --fail_after == 0) {
        if (fail_short && size > 3) {
            fail_after = 1;
            return pwrite(fd, buf, size / 2, offset);
        }
        errno = fail_errno;
        return -1;
    }
    return pwrite(fd, buf, size, offset);
}
static int failing_fdatasync(int fd) {
    if (fail_after == -1) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}
static struct os_ops failing_ops(void) {
    struct os_ops ops = os_system_ops;
    ops.pwrite = failing_pwrite;
    ops.fdatasync = failing_fdatasync;
    return ops;
}

static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    create(12);
    struct chunk_store *cs = open_store();
    assert_int_equal(commit_text(cs, "before", 12, 0), BD_OK);
    off_t size = file_size(JOURNAL_FILE);
    struct os_ops ops = failing_ops();
    os_set_ops(&ops);
    fail_after = 1;
    fail_errno = ENOSPC;
    fail_short = true; /* half of the records arrive */
    int rc = commit_text(cs, "full", 12, 0);
    os_set_ops(NULL);
    assert_int_equal(rc, BD_NO_SPACE);
    assert_int_equal(file_size(JOURNAL_FILE), size);
    assert_root_text("before", 12, 0);
    assert_int_equal(commit_text(cs, "full", 12, 0), BD_OK); /* there is room again */
    chunk_store_close(cs);
    assert_root_text("full", 12, 0);
}

static void a_failed_sync_is_not_acknowledged(void **state) {
    (void)state;
    create(13);
    struct chunk_store *cs = open_store();
    assert_int_equal(commit_text(cs, "before", 13, 0), BD_OK);
    off_t size = file_size(JOURNAL_FILE);
    struct os_ops ops = failing_ops();
    os_set_ops(&ops);
    fail_after = -1;
    int rc = commit_text(cs, "unsynced", 13, 0);
    fail_after = 0;
    os_set_ops(NULL);
    assert_int_equal(rc, BD_IO);
    assert_non_null(strstr(err.msg, "nothing was published"));
    assert_int_equal(file_size(JOURNAL_FILE), size);
    struct hash root = chunk_store_root(cs);
    assert_readable(cs, &root);
    assert_int_equal(commit_text(cs, "synced", 13, 0), BD_OK);
    chunk_store_close(cs);
    assert_root_text("synced", 13, 0);
}

/* --- locking --- */

static void a_busy_lock_is_reported_in_time(void **state) {
    (void)state;
    create(14);
    struct chunk_store *holder = open_store(), *waiter = open_store();
    assert_int_equal(chunk_store_lock(holder, 1000, &err), BD_OK);
    chunk_store_set_lock_wait(waiter, 30);
    assert_int_equal(commit_text(waiter, "wait", 14, 0), BD_BUSY);
    assert_non_null(strstr(err.msg, "locked by another dolt process"));
    assert_int_equal(chunk_store_lock(waiter, 0, &err), BD_BUSY);
    /* The holder's commits use its lock and keep it. */
    assert_int_equal(commit_text(holder, "held", 14, 1), BD_OK);
    assert_int_equal(commit_text(holder, "held", 14, 2), BD_OK);
    assert_int_equal(chunk_store_lock(waiter, 0, &err), BD_BUSY);
    chunk_store_unlock(holder);
    chunk_store_set_lock_wait(waiter, 10000); /* the waiter of before may get it for an instant first */
    assert_int_equal(commit_text(waiter, "late", 14, 0), BD_ROOT_MOVED);
    assert_int_equal(commit_text(waiter, "late", 14, 0), BD_OK);
    chunk_store_close(holder);
    chunk_store_close(waiter);
    assert_root_text("late", 14, 0);
}

static void a_deleted_lock_file_is_noticed(void **state) {
    (void)state;
    create(15);
    struct chunk_store *first = open_store(), *second = open_store();
    assert_int_equal(chunk_store_lock(first, 0, &err), BD_OK);
    assert_int_equal(unlink(in_dir("LOCK")), 0);
    assert_int_equal(commit_text(second, "second", 15, 0), BD_OK); /* took a new LOCK */
    assert_int_equal(commit_text(first, "first", 15, 0), BD_BUSY);
    chunk_store_unlock(first);
    assert_int_equal(chunk_store_refresh(first, &err), BD_OK);
    assert_int_equal(commit_text(first, "first", 15, 0), BD_OK);
    chunk_store_close(first);
    chunk_store_close(second);
    assert_root_text("first", 15, 0);
}

/* --- many processes: each adds its own numbers to a list in the root; none may get lost --- */

#define WRITERS 8
#define COMMITS 10

static int add_to_root(struct chunk_store *cs, int writer, int number) {
    for (;;) {
        struct hash root = chunk_store_root(cs);
        struct chunk chunk;
        if (chunk_store_get(cs, &root, &chunk, &err) != BD_OK)
            return err.code;
        struct buf text = BUF_INIT;
        buf_add(&text, chunk.data, chunk.size);
        buf_addf(&text, "%d.%d\n", writer, number);
        struct chunk_write c = {hash_of(text.data, text.size), (const uint8_t *)text.data, text.size};
        int rc = chunk_store_commit(cs, &root, &c, 1, &c.hash, &err);
        buf_release(&text);
        if (rc != BD_ROOT_MOVED)
            return rc;
    }
}

static int writer_process(int writer) {
    for (int i = 0; i < COMMITS; i++) {
        struct chunk_store *cs;
        if (chunk_store_open(&cs, dir, 0, &err) != BD_OK || add_to_root(cs, writer, i) != BD_OK) {
            fprintf(stderr, "writer %d: %s\n", writer, err.msg);
            return 1;
        }
        chunk_store_close(cs);
    }
    return 0;
}

static void concurrent_writers_lose_nothing(void **state) {
    (void)state;
    create(16);
    for (int w = 0; w < WRITERS; w++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(writer_process(w));
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct chunk_store *cs = open_store();
    struct hash root = chunk_store_root(cs);
    struct chunk chunk;
    assert_int_equal(chunk_store_get(cs, &root, &chunk, &err), BD_OK);
    char *text = calloc(chunk.size + 1, 1);
    memcpy(text, chunk.data, chunk.size);
    for (int w = 0; w < WRITERS; w++)
        for (int i = 0; i < COMMITS; i++) {
            char line[40];
            snprintf(line, sizeof line, "%d.%d\n", w, i);
            const char *at = strstr(text, line);
            assert_non_null(at);
        }
    free(text);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    assert_int_equal(stats.journal_chunks, WRITERS * COMMITS + 1);
    chunk_store_close(cs);
}

/* A reader beside a writer that also collects: whatever it sees is whole. */

static int collect_everything(struct chunk_store *cs) {
    struct manifest m;
    bool renamed;
    if (chunk_store_lock(cs, 10000, &err) != BD_OK)
        return err.code;
    struct hash root = chunk_store_root(cs), name;
    struct chunk chunk;
    int rc = chunk_store_get(cs, &root, &chunk, &err);
    struct chunk_write live = {root, chunk.data, chunk.size};
    if (rc == BD_OK)
        rc = table_write(dir, &live, 1, &name, &err);
    if (rc == BD_OK)
        rc = manifest_read(dir, &m, &err);
    if (rc == BD_OK) {
        struct manifest old;
        manifest_copy(&old, &m);
        m.root = root;
        m.spec_count = 0;
        manifest_add(&m, &name, 1);
        m.lock = m.gcgen = manifest_lock_of(&root, m.specs, 1);
        rc = manifest_write(dir, &m, &renamed, &err);
        unlink(in_dir(JOURNAL_FILE));
        for (size_t i = 0; i < old.spec_count; i++) {
            char text[HASH_TEXT_SIZE + 1];
            hash_format(&old.specs[i].name, text);
            if (!hash_eq(&old.specs[i].name, &name))
                unlink(in_dir(text));
        }
        manifest_release(&old);
        manifest_release(&m);
    }
    chunk_store_unlock(cs);
    return rc == BD_OK ? chunk_store_refresh(cs, &err) : rc;
}

static int collecting_writer(void) {
    struct chunk_store *cs;
    if (chunk_store_open(&cs, dir, 0, &err) != BD_OK)
        return 1;
    for (int i = 0; i < 100; i++) {
        int rc = commit_text(cs, "while being read", i, 0);
        if (rc == BD_OK && i % 7 == 0)
            rc = collect_everything(cs);
        if (rc != BD_OK) {
            fprintf(stderr, "writer: %s\n", err.msg);
            return 1;
        }
    }
    chunk_store_close(cs);
    return 0;
}

static void readers_see_whole_states_during_collections(void **state) {
    (void)state;
    create(19);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(collecting_writer());
    int status = -1;
    struct chunk_store *kept = open_store();
    for (int reads = 0; waitpid(pid, &status, WNOHANG) == 0; reads++) {
        struct chunk_store *cs = open_store();
        struct hash root = chunk_store_root(cs);
        assert_readable(cs, &root);
        chunk_store_close(cs);
        if (chunk_store_refresh(kept, &err) != BD_OK)
            fail_msg("%s", err.msg);
        root = chunk_store_root(kept);
        assert_readable(kept, &root);
    }
    assert_int_equal(status, 0);
    chunk_store_close(kept);
    assert_root_text("while being read", 99, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

/* --- chunks that are loaded together --- */

static void assert_loaded(const struct chunk_load *l, int i, bool expected) {
    struct text_chunk c;
    struct chunk chunk;
    struct chunk_place place;
    make_chunk(&c, "load", i, 0);
    assert_int_equal(chunk_load_has(l, &c.write.hash), expected);
    assert_int_equal(chunk_load_find(l, &c.write.hash, &chunk, &place), expected);
    if (!expected)
        return;
    assert_int_equal(chunk.size, c.write.size);
    assert_memory_equal(chunk.data, c.text, chunk.size);
}

static uint64_t offset_of(struct chunk_store *cs, int i) {
    struct text_chunk c;
    struct chunk_place place = {0, 0};
    uint8_t *data;
    size_t size;
    make_chunk(&c, "load", i, 0);
    assert_int_equal(chunk_store_read_placed(cs, &c.write.hash, &place, &data, &size, NULL, &err),
                     BD_OK);
    free(data);
    return place.offset;
}

static void chunks_are_loaded_together(void **state) {
    (void)state;
    enum { COUNT = 600 };
    create(50);
    struct chunk_store *cs = open_store();
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(commit_text(cs, "load", i, 0), BD_OK);
    uint64_t tenth = offset_of(cs, 10);
    struct text_chunk c;
    size_t size = make_chunk(&c, "load", 100, 0)->size;
    chunk_store_close(cs);

    cs = open_store();
    struct chunk_load *l = chunk_load_new(cs, 1 << 20), *few = chunk_load_new(cs, 5 * size);
    assert_loaded(l, 10, false);
    chunk_load_piece(l, 0);
    for (int i = 0; i < COUNT - 1; i++)
        assert_loaded(l, i, true);
    assert_false(chunk_load_has(l, &(struct hash){{1}}));

    chunk_load_piece(few, tenth); /* those of one digit are shorter */
    assert_loaded(few, 9, false);
    for (int i = 10; i < 15; i++)
        assert_loaded(few, i, true);
    assert_loaded(few, 16, false);
    chunk_load_piece(few, chunk_load_end(few));
    assert_loaded(few, 10, false);
    assert_loaded(few, 16, true);
    chunk_load_free(few);

    chunk_load_piece(l, tenth + 1); /* no record begins there */
    assert_loaded(l, 10, false);
    chunk_load_piece(l, UINT64_MAX);
    assert_loaded(l, 10, false);
    assert_loaded(NULL, 10, false);

    /* What is damaged is left out, and only that. */
    int fd = open(in_dir(JOURNAL_FILE), O_WRONLY);
    assert_int_equal(pwrite(fd, "xxxx", 4, (off_t)tenth + JOURNAL_CHUNK_PAYLOAD + 6), 4);
    close(fd);
    chunk_load_piece(l, 0);
    assert_loaded(l, 9, true);
    assert_loaded(l, 10, false);
    assert_loaded(l, 11, true);
    chunk_load_free(l);
    chunk_store_close(cs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(created_store_reads_back),
        TEST(empty_store_takes_its_first_root),
        TEST(commits_survive_and_cost_no_duplicates),
        TEST(chunks_are_loaded_together),
        TEST(wrong_input_is_refused),
        TEST(snapshots_stay_until_refreshed),
        TEST(chunks_too_large_for_the_journal_go_to_a_table_file),
        TEST(a_collected_store_gets_a_new_journal),
        TEST(an_unlisted_journal_of_the_same_root_is_discarded),
        TEST(an_unlisted_journal_of_another_root_is_listed),
        TEST(a_listed_journal_without_root_keeps_the_root_of_the_manifest),
        TEST(torn_tails_are_cut_by_the_next_writer_only),
        TEST(a_tail_with_committed_data_is_never_cut),
        TEST(any_cut_or_flip_at_the_end_shows_the_last_whole_root),
        TEST(the_journal_remembers_its_roots),
        TEST(what_is_read_in_passing_is_forgotten_unless_it_is_kept),
        TEST(readers_see_whole_states_during_collections),
        TEST(a_full_disk_loses_nothing),
        TEST(a_failed_sync_is_not_acknowledged),
        TEST(a_busy_lock_is_reported_in_time),
        TEST(a_deleted_lock_file_is_noticed),
        TEST(concurrent_writers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
