/* What the archive writer wrote, the reader reads: versions of nodes, loners, hostile orders and sizes.
 */
#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/archive_write.h"
#include "store/chunk/bytes.h"
#include "store/chunk/chunk_file.h"
#include "store/chunk/codec.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct err err;
static char dir[] = "/tmp/bd-archive-XXXXXX";

static uint64_t random_state;
static uint32_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* Chunks of one test, as they were given to the writer. */
struct given {
    struct hash address;
    uint8_t *data;
    size_t size;
};
static struct given *given;
static size_t given_count, given_capacity;

static void forget(void) {
    for (size_t i = 0; i < given_count; i++)
        free(given[i].data);
    free(given);
    given = NULL;
    given_count = given_capacity = 0;
}

static uint32_t damaged = UINT32_MAX; /* an odd note */

static int fetch(void *ctx, uint32_t note, struct archive_chunk *out, struct err *e) {
    (void)ctx;
    if (note >= given_count)
        return err_set(e, BD_NOT_FOUND, "no such chunk");
    out->address = given[note].address;
    out->data = mem_dup(given[note].data, given[note].size);
    out->size = given[note].size;
    if (note % 2 && out->size > 0) { /* every other one as journals and table files have it */
        struct buf record = BUF_INIT;
        codec_append_snappy(&record, out->data, out->size);
        free(out->data);
        if (note == damaged)
            record.data[record.size / 2] ^= 1;
        out->size = record.size;
        out->data = (uint8_t *)buf_detach(&record);
        out->packed = true;
    }
    return BD_OK;
}

static void add(struct archive_writer *w, const void *data, size_t size, uint64_t kind, uint64_t place,
                bool current) {
    struct hash h = hash_of(data, size);
    assert_int_equal(
        archive_writer_add(w, (struct archive_hint){.kind = kind, .place = place, .current = current},
                           &err),
        BD_OK);
    MEM_GROW(given, given_capacity, given_count + 1);
    given[given_count++] = (struct given){h, mem_dup(data, size), size};
}

static struct archive_writer *start(void) {
    struct archive_writer *w;
    assert_int_equal(archive_writer_open(&w, dir, fetch, NULL, &err), BD_OK);
    return w;
}

/* Looks every chunk up in the one file, which is then removed. */
static void check_file(const struct archive_written *written) {
    struct chunk_file *f;
    assert_int_equal(chunk_file_open(&f, dir, &written->name, 0, &err), BD_OK);
    assert_true(chunk_file_is_archive(f));
    assert_int_equal(chunk_file_size(f), written->file_size);
    assert_int_equal(chunk_file_count(f), written->chunks);
    for (size_t i = 0; i < given_count; i++) {
        uint8_t *data;
        size_t size;
        assert_int_equal(chunk_file_get(f, &given[i].address, &data, &size, &err), BD_OK);
        assert_int_equal(size, given[i].size);
        assert_memory_equal(data, given[i].data, size);
        free(data);
    }
    assert_int_equal(os_unlink(chunk_file_path(f)), 0);
    chunk_file_release(f);
}

static struct archive_written finish(struct archive_writer *w) {
    struct archive_written *files, only;
    size_t count;
    uint64_t bytes = 0;
    for (size_t i = 0; i < given_count; i++)
        bytes += given[i].size;
    assert_int_equal(archive_writer_count(w), given_count);
    assert_int_equal(archive_writer_finish(w, &files, &count, &err), BD_OK);
    assert_int_equal(count, 1);
    only = files[0];
    free(files);
    assert_int_equal(only.chunks, given_count);
    assert_int_equal(only.chunk_bytes, bytes);
    check_file(&only);
    forget();
    return only;
}

static void assert_nothing_left(void) {
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));)
        assert_true(e->d_name[0] == '.');
    closedir(d);
}

static void one_chunk(void **state) {
    (void)state;
    struct archive_writer *w = start();
    add(w, "x", 1, 0, 0, true);
    struct archive_written written = finish(w);
    assert_true(written.file_size < 300);
    assert_int_equal(written.dictionaries, 0);
    assert_nothing_left();
}

static void fails(struct archive_writer *w, int code) {
    struct archive_written *files;
    size_t count;
    assert_int_equal(archive_writer_finish(w, &files, &count, &err), code);
    assert_nothing_left();
    forget();
}

static void refused_chunks(void **state) {
    (void)state;
    fails(start(), BD_INVALID); /* none */
    struct archive_writer *w = start();
    add(w, "", 0, 0, 0, true);
    fails(w, BD_INVALID);
    w = start();
    add(w, "a", 1, 0, 0, true);
    add(w, "a", 1, 0, 0, false);
    fails(w, BD_INVALID);
    w = start();

    assert_int_equal(archive_writer_add(w, (struct archive_hint){.kind = 1, .place = 1}, &err), BD_OK);
    fails(w, BD_NOT_FOUND);
    w = start();
    add(w, "a", 1, 0, 0, true);
    archive_writer_abandon(w);
    archive_writer_abandon(NULL);
    forget();
    assert_nothing_left();
    assert_int_equal(archive_writer_open(&w, "/nonexistent", fetch, NULL, &err), BD_NOT_FOUND);
}

/* Chunks of all sizes that have nothing to do with each other. */
static void random_chunks(void **state) {
    (void)state;
    random_state = 7;
    struct archive_writer *w = start();
    static uint8_t data[200000];
    for (unsigned i = 0; i < 300; i++) {
        size_t size = 4 + (i < 200 ? i : next_random() % (i % 10 ? 9000 : sizeof data - 4));
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)(next_random() >> 3);
        memcpy(data, &i, 4);
        add(w, data, size, next_random() % 3, next_random() % 5, i % 7 == 0);
    }
    finish(w);
}

/* --- versions of nodes --- */

#define ROWS 40
#define ROW_SIZE 100
struct node {
    uint8_t bytes[ROWS * ROW_SIZE];
};

static void fill(uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(next_random() >> 5);
}

/* Histories of nodes, their versions mixed as commits would. */
static void add_histories(struct archive_writer *w, unsigned nodes, unsigned versions,
                          unsigned current) {
    struct node *all = mem_zalloc(nodes, sizeof *all);
    for (unsigned n = 0; n < nodes; n++)
        fill(all[n].bytes, sizeof all[n].bytes);
    for (unsigned v = 0; v < versions; v++)
        for (unsigned n = 0; n < nodes; n++) {
            fill(all[n].bytes + (size_t)(next_random() % ROWS) * ROW_SIZE, ROW_SIZE);
            write_u32(all[n].bytes, v << 12 | n);
            add(w, all[n].bytes, sizeof all[n].bytes, 1, n, v < current);
        }
    free(all);
}

static void versions_share_a_dictionary(void **state) {
    (void)state;
    random_state = 11;
    struct archive_writer *w = start();
    add_histories(w, 6, 300, 1);
    struct archive_written written = finish(w);
    assert_true(written.dictionaries >= 2);
    /* Of each version a row is new and nothing of it compresses: 100 bytes of 4,000, and the index. */
    assert_true(written.file_size < written.chunk_bytes / 15);
}

/* More than the shelves of current chunks take: the rest of them stands alone. */
static void many_current_chunks(void **state) {
    (void)state;
    random_state = 12;
    struct archive_writer *w = start();
    add_histories(w, 1200, 1, 1);
    struct archive_written written = finish(w);
    assert_true(written.file_size < written.chunk_bytes + written.chunks * 60);
}

static void same_chunks_same_file(void **state) {
    (void)state;
    struct hash names[2];
    for (int i = 0; i < 2; i++) {
        random_state = 13;
        struct archive_writer *w = start();
        add_histories(w, 3, 40, 1);
        names[i] = finish(w).name;
    }
    assert_true(hash_eq(&names[0], &names[1]));
}

/* What makes zstd take a dictionary for a trained one must not do so here. */
static void text_that_looks_like_a_trained_dictionary(void **state) {
    (void)state;
    struct archive_writer *w = start();
    uint8_t bytes[600];
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "\x37\xa4\x30\xec", 4);
    for (unsigned i = 0; i < 30; i++) {
        write_u32(bytes + 8 * i, i);
        add(w, bytes, sizeof bytes, 1, 1, false);
    }
    assert_int_equal(finish(w).dictionaries, 1);
}

static void all_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {1,     2,     3,     4,     5,      6,      7,      8,      9,
                                   15,    16,    17,    23,    24,     25,     255,    256,    257,
                                   65535, 65536, 65791, 65792, 131071, 131072, 131073, 262144, 1000000};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct archive_writer *w = start();
    uint8_t *bytes = mem_alloc(1000000);
    for (unsigned pattern = 0; pattern < 3; pattern++)
        for (unsigned i = 0; i < COUNT; i++) {
            random_state = pattern == 2 ? 1 : i;
            if (pattern == 0)
                memset(bytes, 0, sizes[i]);
            else
                fill(bytes, sizes[i]);
            if (sizes[i] >= 8)
                write_u32(bytes + sizes[i] / 2, pattern << 8 | i);
            else
                bytes[0] = (uint8_t)(pattern * 10 + i);
            add(w, bytes, sizes[i], pattern, 0, false);
        }
    free(bytes);
    finish(w);
}

/* Readers keep a bounded number of dictionaries: so much history takes two files. */
static void several_files(void **state) {
    (void)state;
    random_state = 14;
    struct archive_writer *w = start();
    enum { SIZE = 130000 };
    uint8_t *bytes = mem_alloc(SIZE);
    for (unsigned n = 0; n < 510; n++) {
        fill(bytes, SIZE);
        for (unsigned v = 0; v < 5; v++) {
            write_u32(bytes + 1000 * v, n << 8 | v);
            add(w, bytes, SIZE, 1, n, false);
        }
    }
    free(bytes);
    struct archive_written *files;
    size_t count;
    assert_int_equal(archive_writer_finish(w, &files, &count, &err), BD_OK);
    assert_true(count >= 2);
    uint32_t chunks = 0;
    for (size_t i = 0; i < count; i++) {
        struct chunk_file *f;
        assert_true(files[i].dictionaries <= 256);
        assert_int_equal(chunk_file_open(&f, dir, &files[i].name, 0, &err), BD_OK);
        for (size_t k = 0; k < given_count; k += 7)
            if (chunk_file_has(f, &given[k].address)) {
                uint8_t *data;
                size_t size;
                assert_int_equal(chunk_file_get(f, &given[k].address, &data, &size, &err), BD_OK);
                assert_int_equal(size, given[k].size);
                assert_memory_equal(data, given[k].data, size);
                free(data);
            }
        chunks += chunk_file_count(f);
        os_unlink(chunk_file_path(f));
        chunk_file_release(f);
    }
    assert_int_equal(chunks, given_count);
    free(files);
    forget();
    assert_nothing_left();
}

/* --- a disk that fails --- */

static struct os_ops failing;
static int operations_left;
static bool fails_now(void) { return operations_left-- <= 0; }
static ssize_t failing_pwrite(int fd, const void *buf, size_t size, off_t offset) {
    if (fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return os_system_ops.pwrite(fd, buf, size, offset);
}
static int failing_fsync(int fd) {
    if (fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return os_system_ops.fsync(fd);
}
static int failing_rename(const char *from, const char *to) {
    if (fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return os_system_ops.rename(from, to);
}

/* It is found on another thread, at any time; whatever else goes on then ends in order. */
static void a_damaged_record_stops_it(void **state) {
    (void)state;
    static const uint32_t places[] = {1, 127, 129, 3001, 19999};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        struct archive_writer *w = start();
        random_state = 5;
        for (uint32_t i = 0; i < 20000; i++) {
            uint32_t data[64];
            for (size_t j = 0; j < 64; j++)
                data[j] = j < 16 ? next_random() : (uint32_t)(i / 100 + j);
            add(w, data, sizeof data, 1, i / 100, i % 7 == 0);
        }
        damaged = places[k];
        fails(w, BD_CORRUPT);
        assert_non_null(strstr(err.msg, "checksum"));
        damaged = UINT32_MAX;
    }
}

static void full_disk_leaves_nothing(void **state) {
    (void)state;
    failing = os_system_ops;
    failing.pwrite = failing_pwrite;
    failing.fsync = failing_fsync;
    failing.rename = failing_rename;
    for (int allowed = 0;; allowed++) {
        random_state = 15;
        struct archive_writer *w = start();
        add_histories(w, 100, 4, 0);
        operations_left = allowed;
        os_set_ops(&failing);
        struct archive_written *files;
        size_t count;
        int rc = archive_writer_finish(w, &files, &count, &err);
        os_set_ops(NULL);
        if (rc == BD_OK) {
            assert_true(allowed >= 4); /* spans, index, file, name, directory */
            check_file(&files[0]);
            free(files);
            forget();
            return;
        }
        assert_int_equal(rc, BD_NO_SPACE);
        assert_nothing_left();
        forget();
    }
}

int main(void) {
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_chunk),
        cmocka_unit_test(refused_chunks),
        cmocka_unit_test(random_chunks),
        cmocka_unit_test(versions_share_a_dictionary),
        cmocka_unit_test(many_current_chunks),
        cmocka_unit_test(same_chunks_same_file),
        cmocka_unit_test(text_that_looks_like_a_trained_dictionary),
        cmocka_unit_test(all_sizes),
        cmocka_unit_test(several_files),
        cmocka_unit_test(a_damaged_record_stops_it),
        cmocka_unit_test(full_disk_leaves_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
