/* What the archive writer wrote, the reader reads: versions of nodes, loners, hostile orders and sizes. */
#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/archive_write.h"
#include "store/chunk/chunk_file.h"

#include <dirent.h>
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

static int fetch(void *ctx, const struct hash *h, uint8_t **data, size_t *size, struct err *e) {
    (void)ctx;
    for (size_t i = given_count; i-- > 0;)
        if (hash_eq(&given[i].address, h)) {
            *data = mem_dup(given[i].data, given[i].size);
            *size = given[i].size;
            return BD_OK;
        }
    return err_set(e, BD_NOT_FOUND, "no such chunk");
}

static void add(struct archive_writer *w, const void *data, size_t size, uint64_t kind, uint64_t place,
                bool current) {
    struct hash h = hash_of(data, size);
    assert_int_equal(archive_writer_add(w, &h, (struct archive_hint){kind, place, current}, &err), BD_OK);
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
    assert_int_equal(archive_writer_count(w), given_count);
    assert_int_equal(archive_writer_finish(w, &files, &count, &err), BD_OK);
    assert_int_equal(count, 1);
    only = files[0];
    free(files);
    assert_int_equal(only.chunks, given_count);
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
    struct hash h = hash_of("missing", 7);
    assert_int_equal(archive_writer_add(w, &h, (struct archive_hint){1, 1, false}, &err), BD_OK);
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

int main(void) {
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_chunk),
        cmocka_unit_test(refused_chunks),
        cmocka_unit_test(random_chunks),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
