/*
 * Databases that people and real Dolt wrote (BD_SHARED): every chunk is found, decodes, and hashes to
 * its address; roots are the recorded ones; recorded damages are answered as Dolt answered them.
 */
#include "base/os.h"
#include "store/chunk/chunk_store.h"
#include "tests/unit/scratch.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void run(const char *fmt, ...) {
    char command[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("command failed: %s", command);
}

static cJSON *load_json(const char *name) {
    char path[512], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", shared_folder(), name);
    if (os_read_file(path, 64 << 20, &text, &size) < 0)
        return NULL;
    cJSON *json = cJSON_Parse(text);
    free(text);
    return json;
}

static void need_corpus(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/data/expected.json", shared_folder());
    if (!os_exists(path)) {
        print_message("skipped: no corpus at %s (set BD_SHARED)\n", shared_folder());
        skip();
    }
}

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}
static double number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void check_root(struct chunk_store *cs, const char *expected) {
    char text[HASH_TEXT_SIZE + 1];
    struct hash root = chunk_store_root(cs);
    hash_format(&root, text);
    assert_string_equal(text, expected);
}

struct tally {
    struct chunk_store *cs;
    double entries, bytes, largest;
};

static int verify_chunk(void *ctx, const struct hash *h, struct err *err) {
    struct tally *t = ctx;
    struct chunk chunk;
    int rc = chunk_store_has(t->cs, h, err);
    if (rc == BD_OK)
        rc = chunk_store_get(t->cs, h, &chunk, err);
    if (rc != BD_OK)
        return rc;
    struct hash actual = hash_of(chunk.data, chunk.size);
    if (!hash_eq(&actual, h))
        return err_set(err, BD_CORRUPT, "content does not match its address");
    t->entries++;
    t->bytes += (double)chunk.size;
    if ((double)chunk.size > t->largest)
        t->largest = (double)chunk.size;
    return BD_OK;
}

static void verify_all(struct chunk_store *cs, struct tally *t) {
    struct err err = ERR_INIT;
    *t = (struct tally){.cs = cs};
    if (chunk_store_each(cs, verify_chunk, t, &err) != BD_OK)
        fail_msg("%s", err.msg);
    struct hash root = chunk_store_root(cs);
    assert_int_equal(chunk_store_has(cs, &root, &err), BD_OK);
    /* Absent: an address nobody has. */
    struct hash none = hash_of("no such chunk", 13);
    struct chunk chunk;
    assert_int_equal(chunk_store_has(cs, &none, &err), BD_NOT_FOUND);
    assert_int_equal(chunk_store_get(cs, &none, &chunk, &err), BD_NOT_FOUND);
}

/* Directory of the store inside an unpacked database of the corpus. */
static void store_dir(const cJSON *facts, const char *name, char *out, size_t size) {
    bool database = strcmp(text_of(facts, "layout"), "database") == 0;
    snprintf(out, size, "%s/%s/%s%s", scratch, name, text_of(facts, "target"),
             database ? "/.dolt/noms" : "");
}

static void real_databases_read_completely(void **state) {
    (void)state;
    need_corpus();
    cJSON *expected = load_json("data/expected.json");
    assert_non_null(expected);
    int seen = 0;
    for (const cJSON *facts = expected->child; facts; facts = facts->next) {
        const char *name = facts->string, *layout = text_of(facts, "layout");
        if (strncmp(name, "dolt-", 5) != 0 || strncmp(name, "dolt-damaged", 12) == 0 || !layout ||
            (strcmp(layout, "database") != 0 && strcmp(layout, "remote") != 0))
            continue;
        run("tar --zstd -xf '%s/data/%s.tar.zst' -C '%s'", shared_folder(), name, scratch);
        char dir[1024];
        store_dir(facts, name, dir, sizeof dir);
        struct chunk_store *cs;
        struct err err = ERR_INIT;
        if (chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err) != BD_OK)
            fail_msg("%s: %s", name, err.msg);
        check_root(cs, text_of(facts, "root"));
        struct tally t;
        verify_all(cs, &t);
        struct chunk_store_stats stats;
        chunk_store_get_stats(cs, &stats);
        double duplicates = number_of(facts, "dup_addresses");
        if (t.entries != number_of(facts, "chunks") + duplicates &&
            t.entries != number_of(facts, "chunks"))
            fail_msg("%s: %.0f chunks", name, t.entries);
        assert_true(t.largest == number_of(facts, "largest_chunk"));
        if (duplicates == 0)
            assert_true(t.bytes == number_of(facts, "uncompressed"));
        const cJSON *journal = cJSON_GetObjectItemCaseSensitive(facts, "journal");
        assert_int_equal(stats.has_journal, journal != NULL);
        if (journal) {
            assert_true((double)stats.journal_bytes == number_of(journal, "valid_end"));
            assert_true((double)stats.journal_chunks == number_of(journal, "chunks"));
        }
        const cJSON *files = cJSON_GetObjectItemCaseSensitive(facts, "files");
        assert_true((double)stats.table_files == number_of(files, "tables"));
        assert_true((double)stats.archive_files == number_of(files, "archives"));
        assert_int_equal(stats.is_bare, strcmp(layout, "remote") == 0);
        chunk_store_close(cs);
        run("rm -rf '%s/%s'", scratch, name);
        seen++;
    }
    assert_true(seen >= 20);
    cJSON_Delete(expected);
}

static void damaged_databases_are_refused(void **state) {
    (void)state;
    need_corpus();
    static const struct {
        const char *name;
        int rc;
        const char *says;
    } cases[] = {
        {"dolt-damaged-01", BD_CORRUPT, "table file not found"},
        {"dolt-damaged-02", BD_CORRUPT, "corrupt manifest"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run("tar --zstd -xf '%s/data/%s.tar.zst' -C '%s'", shared_folder(), cases[i].name, scratch);
        char dir[1024];
        snprintf(dir, sizeof dir, "%s/%s/.beads/backup", scratch, cases[i].name);
        struct chunk_store *cs;
        struct err err = ERR_INIT;
        assert_int_equal(chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err), cases[i].rc);
        assert_non_null(strstr(err.msg, cases[i].says));
    }
}

/* Layouts that dolt itself wrote: archives with dictionaries, conjoined files, two generations … */
static void golden_layouts_read_completely(void **state) {
    (void)state;
    need_corpus();
    cJSON *golden = load_json("data/golden/expected.json");
    assert_non_null(golden);
    int seen = 0;
    for (const cJSON *facts = golden->child; facts; facts = facts->next) {
        const char *name = facts->string, *kind = text_of(facts, "kind");
        if (!kind || strcmp(kind, "layout") != 0 || number_of(facts, "chunks") < 0)
            continue;
        run("tar --zstd -xf '%s/data/golden/%s.tar.zst' -C '%s'", shared_folder(), name, scratch);
        char dir[1024];
        snprintf(dir, sizeof dir, "%s/%s/.dolt/noms", scratch, name);
        bool bare = !os_is_dir(dir);
        if (bare)
            snprintf(dir, sizeof dir, "%s/%s", scratch, name);
        struct chunk_store *cs;
        struct err err = ERR_INIT;
        if (chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err) != BD_OK)
            fail_msg("%s: %s", name, err.msg);
        check_root(cs, text_of(facts, "store_root"));
        struct tally t;
        verify_all(cs, &t);
        double sum = 0;
        for (const cJSON *s = cJSON_GetObjectItemCaseSensitive(facts, "sources")->child; s; s = s->next)
            sum += number_of(s, "chunks");
        assert_true(t.entries == sum);
        struct chunk_store_stats stats;
        chunk_store_get_stats(cs, &stats);
        assert_int_equal(stats.is_bare, bare);
        chunk_store_close(cs);
        run("rm -rf '%s/%s'", scratch, name);
        seen++;
    }
    assert_true(seen >= 22);
    cJSON_Delete(golden);
}

static void ghosts_are_told_apart(void **state) {
    (void)state;
    need_corpus();
    run("tar --zstd -xf '%s/data/golden/layout-shallow-clone.tar.zst' -C '%s'", shared_folder(),
        scratch);
    char dir[1024], list[1100], *text;
    size_t size;
    snprintf(dir, sizeof dir, "%s/layout-shallow-clone/.dolt/noms", scratch);
    snprintf(list, sizeof list, "%s/ghostObjects.txt", dir);
    assert_int_equal(os_read_file(list, 1 << 20, &text, &size), 0);
    struct hash ghost;
    assert_true(hash_parse(text, HASH_TEXT_SIZE, &ghost));
    free(text);
    struct chunk_store *cs;
    struct chunk chunk;
    struct err err = ERR_INIT;
    assert_int_equal(chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err), BD_OK);
    assert_int_equal(chunk_store_get(cs, &ghost, &chunk, &err), BD_NOT_FOUND);
    assert_non_null(strstr(err.msg, "shallow clone"));
    assert_int_equal(chunk_store_is_ghost(cs, &ghost, &err), BD_OK);
    struct hash root = chunk_store_root(cs);
    assert_int_equal(chunk_store_is_ghost(cs, &root, &err), BD_NOT_FOUND);
    chunk_store_close(cs);
    int fd = os_open(list, O_WRONLY | O_TRUNC, 0);
    assert_int_equal(os_pwrite_all(fd, "not a hash\n", 11, 0), 0);
    os_close(fd);
    assert_int_equal(chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err), BD_OK);
    assert_int_equal(chunk_store_get(cs, &ghost, &chunk, &err), BD_CORRUPT);
    chunk_store_close(cs);
}

static size_t parse_hex(const char *hex, uint8_t *out) {
    size_t n = 0;
    for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (uint8_t)byte;
    return n;
}

/* Applies one entry of `damages` to the unpacked database. */
static void apply_damage(const cJSON *damage, const char *dir) {
    char journal[1200], path[1200];
    snprintf(journal, sizeof journal, "%s/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", dir);
    const char *op = text_of(damage, "op");
    long at = (long)number_of(damage, "at");
    static uint8_t bytes[4096];
    if (strncmp(op, "delete", 6) == 0) {
        snprintf(path, sizeof path, "%s/%s", dir,
                 strstr(op, "journal") ? "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
                 : strstr(op, "index") ? "journal.idx"
                                       : "manifest");
        assert_int_equal(unlink(path), 0);
        return;
    }
    bool index = strncmp(op, "index", 5) == 0;
    snprintf(path, sizeof path, "%s/journal.idx", dir);
    int fd = os_open(index ? path : journal, O_RDWR, 0);
    assert_true(fd >= 0);
    if (strcmp(op, "truncate") == 0 || strcmp(op, "index truncated") == 0) {
        assert_int_equal(os_ftruncate(fd, at), 0);
    } else if (strcmp(op, "truncate+append") == 0 || strcmp(op, "index garbage") == 0) {
        size_t n = parse_hex(text_of(damage, "hex"), bytes);
        assert_int_equal(os_ftruncate(fd, index ? 0 : at), 0);
        assert_int_equal(os_pwrite_all(fd, bytes, n, index ? 0 : at), 0);
    } else if (strcmp(op, "flip") == 0) {
        assert_int_equal(os_pread_all(fd, bytes, 1, at), 0);
        bytes[0] ^= 1;
        assert_int_equal(os_pwrite_all(fd, bytes, 1, at), 0);
    } else if (strcmp(op, "zero") == 0) {
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(os_pwrite_all(fd, bytes, (size_t)number_of(damage, "length"), at), 0);
    } else {
        fail_msg("unknown damage %s", op);
    }
    os_close(fd);
}

static void torn_journals_read_as_dolt_reads_them(void **state) {
    (void)state;
    need_corpus();
    cJSON *golden = load_json("data/golden/expected.json");
    const cJSON *torn = cJSON_GetObjectItemCaseSensitive(golden, "layout-torn");
    assert_non_null(torn);
    int seen = 0;
    for (const cJSON *d = cJSON_GetObjectItemCaseSensitive(torn, "damages")->child; d;
         d = d->next, seen++) {
        run("rm -rf '%s/layout-torn' && tar --zstd -xf '%s/data/golden/layout-torn.tar.zst' -C '%s'",
            scratch, shared_folder(), scratch);
        char dir[1024];
        snprintf(dir, sizeof dir, "%s/layout-torn/.dolt/noms", scratch);
        apply_damage(d, dir);
        char *shown = cJSON_PrintUnformatted(d);
        struct chunk_store *cs = NULL;
        struct err err = ERR_INIT;
        int rc = chunk_store_open(&cs, dir, CHUNK_STORE_READ_ONLY, &err);
        const cJSON *seen_by = cJSON_GetObjectItemCaseSensitive(d, "2.1.11");
        const char *op = text_of(d, "op"), *after = text_of(seen_by, "store_root_after");
        bool root_known = strncmp(text_of(d, "doltref_root"), "error", 5) != 0;
        /* A root from before the first branch fails only above this layer. */
        if (number_of(seen_by, "exit") == 0 || (strcmp(op, "truncate") == 0 && root_known)) {
            if (rc != BD_OK)
                fail_msg("%s: %s", shown, err.msg);
            /* Dolt may have written a working set after opening; then only the root before that counts.
             */
            check_root(cs, text_of(d, "doltref_root"));
            bool wrote = strcmp(after, text_of(d, "doltref_root")) != 0;
            struct tally t;
            verify_all(cs, &t);
            struct chunk_store_stats stats;
            chunk_store_get_stats(cs, &stats);
            if (!wrote && (double)stats.journal_bytes != number_of(seen_by, "journal_size_after"))
                fail_msg("%s: journal valid to %llu", shown, (unsigned long long)stats.journal_bytes);
        } else if (strcmp(op, "delete manifest") == 0) {
            assert_int_equal(rc, BD_NOT_FOUND);
        } else if (strcmp(op, "delete journal") == 0) {
            assert_int_equal(rc, BD_CORRUPT);
        } else if (strcmp(op, "flip") == 0) {
            assert_int_equal(rc, BD_CORRUPT);
            assert_non_null(strstr(err.msg, "possible data loss detected in journal file"));
        } else { /* cut before the first root record: the root of the manifest, whose chunk is gone */
            if (rc != BD_OK)
                fail_msg("%s: %s", shown, err.msg);
            struct hash root = chunk_store_root(cs);
            struct chunk chunk;
            assert_int_equal(chunk_store_get(cs, &root, &chunk, &err), BD_NOT_FOUND);
        }
        if (rc == BD_OK)
            chunk_store_close(cs);
        free(shown);
    }
    assert_int_equal(seen, 63);
    cJSON_Delete(golden);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_databases_read_completely),
        cmocka_unit_test(damaged_databases_are_refused),
        cmocka_unit_test(golden_layouts_read_completely),
        cmocka_unit_test(ghosts_are_told_apart),
        cmocka_unit_test(torn_journals_read_as_dolt_reads_them),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
