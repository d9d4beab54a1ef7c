/* The private index beside the journal: fast when it is sound, never believed when it is not. */
#include "base/os.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/manifest.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

static off_t size_of(const char *name) {
    struct stat st;
    return stat(in_dir(name), &st) == 0 ? st.st_size : -1;
}

#define TEXT_SIZE 80
static struct hash text_chunk(int batch, int i, char *text) {
    snprintf(text, TEXT_SIZE, "chunk %d of batch %d with a little text behind it", i, batch);
    return hash_of(text, strlen(text));
}

/* One commit of `count` chunks; the first is the root. */
static void commit_batch(struct chunk_store *cs, int batch, int count) {
    char(*texts)[TEXT_SIZE] = malloc((size_t)count * TEXT_SIZE);
    struct chunk_write *chunks = calloc((size_t)count, sizeof *chunks);
    for (int i = 0; i < count; i++) {
        chunks[i].hash = text_chunk(batch, i, texts[i]);
        chunks[i].data = (const uint8_t *)texts[i];
        chunks[i].size = strlen(texts[i]);
    }
    struct hash root = chunk_store_root(cs);
    if (chunk_store_commit(cs, &root, chunks, (size_t)count, &chunks[0].hash, &err) != BD_OK)
        fail_msg("%s", err.msg);
    free(texts);
    free(chunks);
}

static struct chunk_store *open_store(unsigned flags) {
    struct chunk_store *cs;
    if (chunk_store_open(&cs, dir, flags, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return cs;
}

static int fresh(void **state) {
    (void)state;
    static int number;
    snprintf(dir, sizeof dir, "%s/db%d", scratch, number++);
    if (mkdir(dir, 0755) < 0)
        return -1;
    strcat(dir, "/noms");
    char text[TEXT_SIZE];
    struct hash h = text_chunk(-1, 0, text);
    struct chunk_write c = {h, (const uint8_t *)text, strlen(text)};
    return chunk_store_create(dir, &c, 1, &h, &err);
}

/* Every chunk of batches [0, batches) is there with its content, and no other. */
static void check_all(struct chunk_store *cs, int batches, int count) {
    char text[TEXT_SIZE];
    for (int b = 0; b < batches; b++)
        for (int i = 0; i < count; i++) {
            struct hash h = text_chunk(b, i, text);
            struct chunk chunk;
            if (chunk_store_has(cs, &h, &err) != BD_OK ||
                chunk_store_get(cs, &h, &chunk, &err) != BD_OK)
                fail_msg("batch %d chunk %d is missing: %s", b, i, err.msg);
            assert_int_equal(chunk.size, strlen(text));
            assert_memory_equal(chunk.data, text, chunk.size);
        }
    for (int i = 0; i < 100; i++) {
        struct hash h = text_chunk(batches + 7, i, text);
        assert_int_equal(chunk_store_has(cs, &h, &err), BD_NOT_FOUND);
    }
}

static uint64_t replayed(struct chunk_store *cs) {
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    return stats.replayed_bytes;
}

static void opening_replays_only_a_short_tail(void **state) {
    (void)state;
    struct chunk_store *cs = open_store(0);
    for (int b = 0; b < 40; b++) {
        commit_batch(cs, b, 100);
        struct chunk_store *reader = open_store(CHUNK_STORE_READ_ONLY);
        assert_true(replayed(reader) < 700 * 120);
        struct hash root = chunk_store_root(cs), seen = chunk_store_root(reader);
        assert_true(hash_eq(&root, &seen));
        chunk_store_close(reader);
    }
    check_all(cs, 40, 100);
    chunk_store_close(cs);
    cs = open_store(CHUNK_STORE_READ_ONLY);
    check_all(cs, 40, 100);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    assert_int_equal(stats.journal_chunks, 4001);
    chunk_store_close(cs);
}

static void each_process_extends_it(void **state) {
    (void)state;
    for (int b = 0; b < 300; b++) { /* as 300 commands would */
        struct chunk_store *cs = open_store(0);
        assert_true(replayed(cs) < 700 * 120);
        commit_batch(cs, b, 20);
        /* What exists is found whoever wrote it: nothing is stored twice. */
        char text[TEXT_SIZE];
        struct hash h = text_chunk(b / 2, 3, text), root = chunk_store_root(cs);
        struct chunk_write again = {h, (const uint8_t *)text, strlen(text)};
        off_t before = size_of(JOURNAL_FILE);
        assert_int_equal(chunk_store_commit(cs, &root, &again, 1, &root, &err), BD_OK);
        assert_int_equal(size_of(JOURNAL_FILE), before);
        chunk_store_close(cs);
    }
    struct chunk_store *cs = open_store(0);
    check_all(cs, 300, 20);
    chunk_store_close(cs);
    /* Merging keeps the file in proportion: 12 bytes an entry, and old versions of it now and then. */
    assert_true(size_of(JOURNAL_INDEX_FILE) < 6000 * 12 * 10);
}

static void without_the_index_nothing_is_lost(void **state) {
    (void)state;
    struct chunk_store *cs = open_store(0);
    for (int b = 0; b < 10; b++)
        commit_batch(cs, b, 200);
    chunk_store_close(cs);
    assert_int_equal(unlink(in_dir(JOURNAL_INDEX_FILE)), 0);
    cs = open_store(CHUNK_STORE_READ_ONLY);
    assert_int_equal(replayed(cs), size_of(JOURNAL_FILE));
    check_all(cs, 10, 200);
    chunk_store_close(cs);
    assert_int_equal(size_of(JOURNAL_INDEX_FILE), -1); /* readers write nothing */
    cs = open_store(0);
    commit_batch(cs, 10, 1);
    chunk_store_close(cs);
    cs = open_store(0);
    assert_int_equal(replayed(cs), 0); /* rebuilt */
    check_all(cs, 10, 200);
    chunk_store_close(cs);
}

static void damage(long at, const void *bytes, size_t size) {
    int fd = open(in_dir(JOURNAL_INDEX_FILE), O_RDWR);
    assert_int_equal(os_pwrite_all(fd, bytes, size, at), 0);
    close(fd);
}

static void lost_and_damaged_pages_are_noticed(void **state) {
    (void)state;
    struct chunk_store *cs = open_store(0);
    for (int b = 0; b < 12; b++)
        commit_batch(cs, b, 150);
    chunk_store_close(cs);
    char *good;
    size_t size;
    static const char zeros[4096];
    assert_int_equal(os_read_file(in_dir(JOURNAL_INDEX_FILE), 10 << 20, &good, &size), 0);
    assert_true(size > 3 * 4096);
    unsigned seed = 1;
    srandom(seed);
    for (size_t page = 0; page < size / 4096; page++)
        for (int kind = 0; kind < 3; kind++) {
            char bytes[4096];
            memcpy(bytes, good + page * 4096, 4096);
            size_t at = (size_t)random() % (page == 0 ? 1100 : 4096);
            if (kind == 0)
                damage((long)page * 4096, zeros, 4096);
            else if (kind == 1)
                memset(bytes + at / 512 * 512, 0, 512);
            else
                bytes[at] ^= (char)(1 << random() % 8);
            if (kind)
                damage((long)page * 4096, bytes, 4096);
            cs = open_store(CHUNK_STORE_READ_ONLY);
            check_all(cs, 12, 150);
            chunk_store_close(cs);
            damage((long)page * 4096, good + page * 4096, 4096);
        }
    /* Cut short, as when the size was not written. */
    for (size_t cut = 0; cut < size; cut += 1777) {
        assert_int_equal(truncate(in_dir(JOURNAL_INDEX_FILE), (off_t)cut), 0);
        cs = open_store(CHUNK_STORE_READ_ONLY);
        check_all(cs, 12, 150);
        chunk_store_close(cs);
        damage(0, good, size);
    }
    /* The next writer replaces what it found to be broken. */
    for (size_t at = 4096; at + 4096 < size; at += 4096)
        damage((long)at, zeros, 4096);
    cs = open_store(0);
    check_all(cs, 12, 150);
    commit_batch(cs, 12, 150);
    chunk_store_close(cs);
    cs = open_store(0);
    assert_int_equal(replayed(cs), 0);
    check_all(cs, 13, 150);
    assert_int_equal(replayed(cs), 0);
    chunk_store_close(cs);
    free(good);
}

static void an_index_of_another_journal_is_ignored(void **state) {
    (void)state;
    struct chunk_store *cs = open_store(0);
    commit_batch(cs, 0, 600);
    chunk_store_close(cs);
    char *journal, *manifest;
    size_t journal_size, manifest_size;
    assert_int_equal(os_read_file(in_dir(JOURNAL_FILE), 10 << 20, &journal, &journal_size), 0);
    assert_int_equal(os_read_file(in_dir("manifest"), 10 << 20, &manifest, &manifest_size), 0);
    cs = open_store(0);
    commit_batch(cs, 1, 600);
    chunk_store_close(cs);
    /* The journal as it was one commit ago, in the same file, and then another future. */
    int fd = open(in_dir(JOURNAL_FILE), O_RDWR | O_TRUNC);
    assert_int_equal(os_pwrite_all(fd, journal, journal_size, 0), 0);
    close(fd);
    cs = open_store(CHUNK_STORE_READ_ONLY);
    assert_int_equal(replayed(cs), journal_size);
    check_all(cs, 1, 600);
    chunk_store_close(cs);
    cs = open_store(0);
    commit_batch(cs, 2, 900);
    chunk_store_close(cs);
    cs = open_store(CHUNK_STORE_READ_ONLY);
    char text[TEXT_SIZE];
    for (int i = 0; i < 900; i++) {
        struct hash present = text_chunk(2, i, text), absent = text_chunk(1, i, text);
        assert_int_equal(chunk_store_has(cs, &present, &err), BD_OK);
        assert_int_equal(chunk_store_has(cs, &absent, &err), BD_NOT_FOUND);
    }
    check_all(cs, 1, 600);
    chunk_store_close(cs);
    free(journal);
    free(manifest);
}

static void the_sync_mark_saves_a_sync_only_when_true(void **state) {
    (void)state;
    struct chunk_store *cs = open_store(0);
    commit_batch(cs, 0, 3);
    chunk_store_close(cs);
    char head[JOURNAL_HEAD_SIZE];
    int fd = open(in_dir(JOURNAL_FILE), O_RDWR);
    assert_int_equal(os_pread_all(fd, head, sizeof head, 0), 0);
    assert_int_equal(journal_index_synced_end(dir, (uint8_t *)head), size_of(JOURNAL_FILE));
    head[5] ^= 1;
    assert_int_equal(journal_index_synced_end(dir, (uint8_t *)head), 0);
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(opening_replays_only_a_short_tail),      TEST(each_process_extends_it),
        TEST(without_the_index_nothing_is_lost),      TEST(lost_and_damaged_pages_are_noticed),
        TEST(an_index_of_another_journal_is_ignored), TEST(the_sync_mark_saves_a_sync_only_when_true),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
