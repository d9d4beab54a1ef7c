/* Byte vectors of every format of the chunk store, and hostile variations of them. */
#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/bytes.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/codec.h"
#include "store/chunk/crc32c.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/manifest.h"
#include "store/chunk/table_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <zstd.h>

static struct err err;

static size_t from_hex(const char *hex, uint8_t *out) {
    size_t n = 0;
    for (const char *p = hex; *p;) {
        unsigned byte;
        if (*p == ' ' || *p == '\n') {
            p++;
            continue;
        }
        assert_int_equal(sscanf(p, "%2x", &byte), 1);
        out[n++] = (uint8_t)byte;
        p += 2;
    }
    return n;
}

static void assert_bytes(const void *data, size_t size, const char *hex) {
    uint8_t expected[2048];
    assert_int_equal(size, from_hex(hex, expected));
    assert_memory_equal(data, expected, size);
}

static struct hash address(const char *text) {
    struct hash h;
    assert_true(hash_parse(text, strlen(text), &h));
    return h;
}

static void checksum_is_castagnoli(void **state) {
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c("", 0), 0);
    static uint8_t data[20000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 3 ^ i);
    for (size_t size = 0; size < sizeof data; size += size < 100 ? 1 : 997) {
        assert_int_equal(crc32c(data, size), crc32c_portable(0, data, size));
        assert_int_equal(crc32c_extend(crc32c(data, size / 3), data + size / 3, size - size / 3),
                         crc32c(data, size));
        assert_int_equal(crc32c(data + 1, size), crc32c_portable(0, data + 1, size));
    }
}

static void snappy_records(void **state) {
    (void)state;
    struct buf out = BUF_INIT;
    codec_append_snappy(&out, (const uint8_t *)"abc", 3);
    assert_bytes(out.data, out.size, "03 08 61 62 63 ad2a39ea");
    uint8_t *data;
    size_t size;
    assert_int_equal(codec_decode_snappy((uint8_t *)out.data, out.size, &data, &size, &err), BD_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "abc", 3);
    free(data);
    for (size_t i = 0; i < out.size; i++) { /* no single damaged byte passes */
        out.data[i] ^= 1;
        assert_int_equal(codec_decode_snappy((uint8_t *)out.data, out.size, &data, &size, &err),
                         BD_CORRUPT);
        out.data[i] ^= 1;
    }
    for (size_t cut = 0; cut < out.size; cut++)
        assert_int_equal(codec_decode_snappy((uint8_t *)out.data, cut, &data, &size, &err), BD_CORRUPT);
    buf_release(&out);
    /* A block that claims four gigabytes, and one that holds nothing, under right checksums. */
    static const char *const lies[] = {"ffffffff0f 0861", "00"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t record[16];
        size_t n = from_hex(lies[i], record);
        write_u32(record + n, crc32c(record, n));
        assert_int_equal(codec_decode_snappy(record, n + 4, &data, &size, &err), BD_CORRUPT);
    }
}

static void journal_records(void **state) {
    (void)state;
    struct hash abc = hash_of("abc", 3);
    struct buf out = BUF_INIT;
    journal_append_chunk(&out, &abc, (const uint8_t *)"abc", 3);
    assert_bytes(
        out.data, out.size,
        "00000029 0102 02ddaf35a193617abacc417349ae20413112e6fa4e 03 0308616263ad2a39ea 109b03c5");
    struct journal_record r;
    assert_int_equal(journal_record_parse((uint8_t *)out.data, out.size, &r), JOURNAL_RECORD_OK);
    assert_int_equal(r.kind, JOURNAL_CHUNK);
    assert_int_equal(r.payload_offset, 28);
    assert_int_equal(r.payload_size, 9);
    assert_true(hash_eq(&r.address, &abc));
    for (size_t i = 0; i < out.size; i++) {
        out.data[i] ^= 1;
        assert_int_not_equal(journal_record_parse((uint8_t *)out.data, out.size, &r),
                             JOURNAL_RECORD_OK);
        out.data[i] ^= 1;
    }
    for (size_t cut = 0; cut < out.size; cut++)
        assert_int_equal(journal_record_parse((uint8_t *)out.data, cut, &r),
                         cut < 4 ? JOURNAL_RECORD_NONE : JOURNAL_RECORD_PARTIAL);
    buf_clear(&out);
    journal_append_root(&out, &abc, 42);
    assert_bytes(
        out.data, out.size,
        "00000028 0101 04000000000000002a 02ddaf35a193617abacc417349ae20413112e6fa4e 492bab76");
    assert_int_equal(journal_record_parse((uint8_t *)out.data, out.size, &r), JOURNAL_RECORD_OK);
    assert_int_equal(r.kind, JOURNAL_ROOT);
    assert_int_equal(r.timestamp, 42);
    buf_release(&out);
    /* From a real journal, and the old form without a time. */
    uint8_t bytes[64];
    size_t n = from_hex(
        "00000028 0101 0400000000693a195b 025a7ac7712724a374968d6b88716ce6af817e3f14 889bda35", bytes);
    assert_int_equal(journal_record_parse(bytes, n, &r), JOURNAL_RECORD_OK);
    assert_int_equal(r.timestamp, 1765415259);
    struct hash root = address("b9tces974ihn95kdde472r76lu0nsfok");
    assert_true(hash_eq(&r.address, &root));
    n = from_hex("0000001f 0101 02ddaf35a193617abacc417349ae20413112e6fa4e", bytes);
    write_u32(bytes + n, crc32c(bytes, n));
    assert_int_equal(journal_record_parse(bytes, n + 4, &r), JOURNAL_RECORD_OK);
    assert_int_equal(r.size, 31);
    assert_int_equal(r.timestamp, 0);
    bytes[6] = 9; /* a field nobody knows */
    write_u32(bytes + n, crc32c(bytes, n));
    assert_int_equal(journal_record_parse(bytes, n + 4, &r), JOURNAL_RECORD_UNKNOWN);
    write_u32(bytes, JOURNAL_RECORD_MAX + 1);
    assert_int_equal(journal_record_parse(bytes, n + 4, &r), JOURNAL_RECORD_TOO_LONG);
    write_u32(bytes, 0);
    assert_int_equal(journal_record_parse(bytes, n + 4, &r), JOURNAL_RECORD_ZERO);
    write_u32(bytes, 7);
    assert_int_equal(journal_record_parse(bytes, n + 4, &r), JOURNAL_RECORD_BAD);
}

/* Sequences of roots (R), chunks (C), garbage (G) and zeros (Z) as in upstream's test. */
struct applied {
    int roots, chunks;
};
static int count_record(void *ctx, uint64_t offset, const uint8_t *bytes,
                        const struct journal_record *r, struct err *e) {
    (void)offset, (void)bytes, (void)e;
    struct applied *a = ctx;
    *(r->kind == JOURNAL_ROOT ? &a->roots : &a->chunks) += 1;
    return BD_OK;
}

static void check_sequence(const char *sequence, int roots, int chunks, bool loss, unsigned seed) {
    struct buf file = BUF_INIT;
    srandom(seed);
    for (const char *p = sequence; *p; p++) {
        uint8_t bytes[512];
        size_t n = 256 + (size_t)random() % 256;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)random();
        struct hash h = hash_of(bytes, n);
        if (*p == 'R')
            journal_append_root(&file, &h, 1);
        else if (*p == 'C')
            journal_append_chunk(&file, &h, bytes, n);
        else if (*p == 'G')
            buf_add(&file, bytes, n);
        else if (*p == 'Z')
            buf_add(&file, memset(bytes, 0, sizeof bytes), n);
    }
    int fd = memfd_create("journal", 0);
    assert_int_equal(os_pwrite_all(fd, file.data, file.size, 0), 0);
    struct applied applied = {0, 0};
    struct journal_walk_end end;
    assert_int_equal(journal_walk(fd, "journal", 0, file.size, count_record, &applied, &end, &err),
                     BD_OK);
    bool found = false;
    if (end.stop != JOURNAL_RECORD_NONE)
        assert_int_equal(journal_find_loss(fd, "journal", end.offset, file.size, &found, &err), BD_OK);
    if (applied.roots != roots || applied.chunks != chunks || found != loss)
        fail_msg("%s: %d roots, %d chunks, loss %d (seed %u)", sequence, applied.roots, applied.chunks,
                 found, seed);
    close(fd);
    buf_release(&file);
}

static void data_loss_is_told_from_torn_tails(void **state) {
    (void)state;
    static const struct {
        const char *sequences;
        int roots, chunks;
        bool loss;
    } cases[] = {
        {"R RZZZ RZR RZGZRZ RZGZRG", 1, 0, false},
        {"RCRZCC", 2, 1, false},
        {"RZCCC RZCCCR", 1, 0, false},
        {"RGGG RGZCC", 1, 0, false},
        {"RCCG", 1, 2, false},
        {"RZRC RZRR RZRCCZ RZRZRZRG RZRGRGRG", 1, 0, true},
        {"RCRZRCCC", 2, 1, true},
        {"RGRC RGRR RGRCCG RGRZRZRZ", 1, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char list[100];
        snprintf(list, sizeof list, "%s", cases[i].sequences);
        for (char *save, *s = strtok_r(list, " ", &save); s; s = strtok_r(NULL, " ", &save))
            for (unsigned seed = 1; seed <= 5; seed++)
                check_sequence(s, cases[i].roots, cases[i].chunks, cases[i].loss, seed);
    }
}

static void manifests(void **state) {
    (void)state;
    static const char text[] =
        "5:__DOLT__:roj43502g8o4kpo387rsish7m5rr5ihi:rmnjb8cjc5tblj21ed4qs821649eduie:"
        "00000000000000000000000000000000:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv:1";
    struct manifest m;
    assert_int_equal(manifest_parse(&m, text, sizeof text - 1, &err), BD_OK);
    assert_int_equal(m.spec_count, 1);
    assert_true(manifest_names(&m, &manifest_journal_name));
    struct hash lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    assert_true(hash_eq(&lock, &m.lock));
    struct buf out = BUF_INIT;
    manifest_format(&m, &out);
    assert_string_equal(out.data, text);
    buf_release(&out);
    manifest_release(&m);

    struct hash zero = HASH_ZERO, abc = hash_of("abc", 3),
                expected = address("k20cqh1q0l7urqple04mcfpibg3lmeln");
    lock = manifest_lock_of(&zero, NULL, 0);
    assert_true(hash_eq(&lock, &expected));
    struct manifest_spec spec = {address("uog0qvhml7hmloq557j88qfgeptqpo13"), 3};
    lock = manifest_lock_of(&abc, &spec, 1);
    expected = address("jdqpa2240scofb4rh9q310jp66tq5cnq");
    assert_true(hash_eq(&lock, &expected));
    lock = manifest_full_gcgen_of(&abc, &spec, 1);
    expected = address("tk0rqmk497us1jes0aqin6fpn1a4g68k");
    assert_true(hash_eq(&lock, &expected));

#define H "rmnjb8cjc5tblj21ed4qs821649eduie"
#define J "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
    static const struct {
        const char *text;
        int rc;
        size_t specs;
    } cases[] = {
        {"4:__DOLT__:" H ":" H, BD_OK, 0},
        {"4:__DOLT__:" H ":" H ":" J ":7", BD_OK, 1},
        {"5:__DOLT__:" H ":" H ":" H ":" J ":7:" J ":8:" H ":1", BD_OK, 2},
        {"6:__DOLT__:" H ":" H ":" H, BD_TOO_NEW, 0},
        {"3:__DOLT__:" H ":" H, BD_UNSUPPORTED, 0},
        {"5:__LD_1__:" H ":" H ":" H, BD_UNSUPPORTED, 0},
        {"5:__DOLT__:" H ":" H ":" H "\n", BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H, BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":" J, BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":" J ":", BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":" J ":x", BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":" J ":4294967296", BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":" J ":1\n", BD_CORRUPT, 0},
        {"5:__DOLT__:" H ":" H ":" H ":w:1", BD_CORRUPT, 0},
        {"5", BD_CORRUPT, 0},
        {"", BD_CORRUPT, 0},
        {":::", BD_CORRUPT, 0},
        {"<<<<<<< Updated upstream\n5:__DOLT__", BD_CORRUPT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = manifest_parse(&m, cases[i].text, strlen(cases[i].text), &err);
        if (rc != cases[i].rc)
            fail_msg("%s: %d", cases[i].text, rc);
        if (rc == BD_OK) {
            assert_int_equal(m.spec_count, cases[i].specs);
            if (cases[i].specs)
                assert_int_equal(m.specs[0].count, 7); /* the first of equals counts */
            manifest_release(&m);
        }
    }
}

static const char table_hex[] =
    "06 14 68656c6c6f32 dedb4094 08 1c 676f6f6462796532 ead535cb 07 18 62616462796532 8145164c"
    "0f6f5671fdd62d7c 00000002  8a1f14557f5e8c70 00000000  9ef2f93faa64a103 00000001"
    "0000000c 0000000e 0000000d"
    "da697611e231787d236f9a99 98a25b3cb4af12817d184393 05268e328fcf7b18062d4794"
    "00000003 0000000000000015 ffb5d8c22463ee50";
static const char *const words[] = {"hello2", "goodbye2", "badbye2"};

static void check_table(uint8_t *bytes, size_t size) {
    struct table t;
    assert_int_equal(table_init(&t, bytes, size, "table", &err), BD_OK);
    assert_int_equal(t.count, 3);
    for (int i = 0; i < 3; i++) {
        struct hash h = hash_of(words[i], strlen(words[i]));
        int64_t ordinal = table_find(&t, &h);
        assert_int_equal(ordinal, i);
        uint8_t *data;
        size_t n;
        assert_int_equal(table_get(&t, ordinal, &data, &n, &err), BD_OK);
        assert_int_equal(n, strlen(words[i]));
        assert_memory_equal(data, words[i], n);
        free(data);
        h.b[19] ^= 1;
        assert_int_equal(table_find(&t, &h), -1);
    }
    table_release(&t);
}

/* Looks everything up in a file that may be damaged: any answer is fine, no crash is. */
static void poke_table(const uint8_t *bytes, size_t size) {
    struct table t;
    if (table_init(&t, bytes, size, "table", &err) != BD_OK)
        return;
    for (uint32_t i = 0; i < t.count; i++) {
        struct hash h;
        if (!table_address(&t, i, &h))
            continue;
        int64_t ordinal = table_find(&t, &h);
        uint8_t *data;
        size_t n;
        if (ordinal >= 0 && table_get(&t, ordinal, &data, &n, &err) == BD_OK)
            free(data);
    }
    table_release(&t);
}

static void table_files(void **state) {
    (void)state;
    uint8_t bytes[200];
    size_t size = from_hex(table_hex, bytes);
    assert_int_equal(size, 143);
    check_table(bytes, size);
    /* The writer makes the same bytes under the same name. */
    char dir[300];
    snprintf(dir, sizeof dir, "%s/bd-test-table-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(dir));
    struct chunk_write chunks[3];
    for (int i = 0; i < 3; i++)
        chunks[i] = (struct chunk_write){hash_of(words[i], strlen(words[i])), (const uint8_t *)words[i],
                                         strlen(words[i])};
    struct hash name, expected = address("uog0qvhml7hmloq557j88qfgeptqpo13");
    assert_int_equal(table_write(dir, chunks, 3, &name, &err), BD_OK);
    assert_true(hash_eq(&name, &expected));
    char path[400], *written;
    size_t written_size;
    snprintf(path, sizeof path, "%s/uog0qvhml7hmloq557j88qfgeptqpo13", dir);
    assert_int_equal(os_read_file(path, 1000, &written, &written_size), 0);
    assert_int_equal(written_size, size);
    assert_memory_equal(written, bytes, size);
    free(written);
    unlink(path);
    rmdir(dir);
    for (size_t cut = 0; cut < size; cut++)
        poke_table(bytes + cut, size - cut);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            poke_table(bytes, size);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
}

static void equal_prefixes_are_told_apart(void **state) {
    (void)state;
    static const char *const traps[] = {"0rfgadopg6h3fk7d253ivbjsij4qo3nv",
                                        "0rfgadopg6h3fk7d253ivbjsij4qo4nv",
                                        "0rfgadopg6h3fk7d253ivbjsij4qo9nv"};
    char dir[300];
    snprintf(dir, sizeof dir, "%s/bd-test-table-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(dir));
    struct chunk_write chunks[3];
    for (int i = 0; i < 3; i++)
        chunks[i] =
            (struct chunk_write){address(traps[2 - i]), (const uint8_t *)words[i], strlen(words[i])};
    struct hash name;
    assert_int_equal(table_write(dir, chunks, 3, &name, &err), BD_OK);
    char path[400], text[HASH_TEXT_SIZE + 1], *bytes;
    size_t size;
    hash_format(&name, text);
    snprintf(path, sizeof path, "%s/%s", dir, text);
    assert_int_equal(os_read_file(path, 1000, &bytes, &size), 0);
    struct table t;
    assert_int_equal(table_init(&t, (uint8_t *)bytes, size, "table", &err), BD_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(table_find(&t, &chunks[i].hash), i);
    struct hash other = address("0rfgadopg6h3fk7d253ivbjsij4qo5nv");
    assert_int_equal(table_find(&t, &other), -1);
    table_release(&t);
    free(bytes);
    unlink(path);
    rmdir(dir);
}

static const char archive_hex[] =
    "06 14 68656c6c6f32 dedb4094 08 1c 676f6f6462796532 ead535cb 07 18 62616462796532 8145164c"
    "000000000000000c 000000000000001a 0000000000000027"
    "0f6f5671fdd62d7c 8a1f14557f5e8c70 9ef2f93faa64a103"
    "00000000 00000003  00000000 00000001  00000000 00000002"
    "05268e328fcf7b18062d4794 da697611e231787d236f9a99 98a25b3cb4af12817d184393"
    "7b22646f6c745f76657273696f6e223a22322e332e31227d"
    "000000000000006c 00000003 00000003 00000018";

static size_t make_archive(uint8_t *bytes) {
    size_t size = from_hex(archive_hex, bytes);
    memset(bytes + size, 0, 192);
    memcpy(bytes + size + 192,
           "\x03"
           "DOLTARC",
           8);
    return size + 200;
}

static void poke_archive(const uint8_t *bytes, size_t size) {
    struct archive a;
    if (archive_init(&a, bytes, size, "archive", &err) != BD_OK)
        return;
    for (uint32_t i = 0; i < a.count; i++) {
        struct hash h;
        archive_address(&a, i, &h);
        int64_t at = archive_find(&a, &h);
        uint8_t *data;
        size_t n;
        if (at >= 0 && archive_get(&a, at, &data, &n, &err) == BD_OK)
            free(data);
    }
    archive_release(&a);
}

static void archives(void **state) {
    (void)state;
    uint8_t bytes[600];
    size_t size = make_archive(bytes);
    assert_int_equal(size, 391);
    struct hash whole = hash_of(bytes, size), expected = address("d7sipnjach4q08vens0vilcjkh1a7sgo");
    assert_true(hash_eq(&whole, &expected));
    struct archive a;
    assert_int_equal(archive_init(&a, bytes, size, "archive", &err), BD_OK);
    for (int i = 0; i < 3; i++) {
        struct hash h = hash_of(words[i], strlen(words[i]));
        int64_t at = archive_find(&a, &h);
        assert_true(at >= 0);
        uint8_t *data;
        size_t n;
        assert_int_equal(archive_get(&a, at, &data, &n, &err), BD_OK);
        assert_int_equal(n, strlen(words[i]));
        assert_memory_equal(data, words[i], n);
        free(data);
        h.b[19] ^= 1;
        assert_int_equal(archive_find(&a, &h), -1);
    }
    archive_release(&a);
    bytes[size - 8] = 4;
    assert_int_equal(archive_init(&a, bytes, size, "archive", &err), BD_TOO_NEW);
    bytes[size - 8] = 3;
    for (size_t cut = 0; cut < size; cut++)
        poke_archive(bytes + cut, size - cut);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            poke_archive(bytes, size);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
}

/* Versions 1 and 2 have a shorter footer; version 1 knows no snappy; zstd frames need not tell their
 * size. */
static void old_archives_with_a_dictionary(void **state) {
    (void)state;
    static const char dictionary[] = "the words of the dictionary: hello, goodbye, badbye";
    static const char content[] = "goodbye, hello, the words of the dictionary: badbye";
    for (int version = 1; version <= 3; version++) {
        for (int sized = 0; sized < 2; sized++) {
            uint8_t file[2048], *p = file;
            size_t first = ZSTD_compress(p, 512, dictionary, sizeof dictionary - 1, 3);
            p += first;
            ZSTD_CCtx *c = ZSTD_createCCtx();
            ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, sized);
            ZSTD_CCtx_loadDictionary(c, dictionary, sizeof dictionary - 1);
            size_t second = ZSTD_compress2(c, p, 512, content, sizeof content - 1);
            ZSTD_freeCCtx(c);
            assert_false(ZSTD_isError(second));
            p += second;
            uint8_t *index = p;
            write_u64(p, first);
            write_u64(p + 8, first + second);
            struct hash h = hash_of(content, sizeof content - 1);
            memcpy(p + 16, h.b, 8);
            write_u32(p + 24, 1);
            write_u32(p + 28, 2);
            memcpy(p + 32, h.b + 8, 12);
            p += 44;
            if (version == 3) {
                write_u32(p, 0);
                p += 4;
            }
            write_u32(p, (uint32_t)44);
            write_u32(p + 4, 2);
            write_u32(p + 8, 1);
            write_u32(p + 12, 0);
            memset(p + 16, 0x5a, 192);
            p[208] = (uint8_t)version;
            memcpy(p + 209, "DOLTARC", 7);
            p += 216;
            struct archive a;
            assert_int_equal(archive_init(&a, file, (size_t)(p - file), "archive", &err), BD_OK);
            uint8_t *data;
            size_t n;
            assert_int_equal(archive_get(&a, archive_find(&a, &h), &data, &n, &err), BD_OK);
            assert_int_equal(n, sizeof content - 1);
            assert_memory_equal(data, content, n);
            free(data);
            archive_release(&a);
            write_u32(index + 24,
                      0); /* no dictionary: refused in version 1, not snappy in the others */
            assert_int_equal(archive_init(&a, file, (size_t)(p - file), "archive", &err), BD_OK);
            assert_int_equal(archive_get(&a, 0, &data, &n, &err), BD_CORRUPT);
            archive_release(&a);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_castagnoli),
        cmocka_unit_test(snappy_records),
        cmocka_unit_test(journal_records),
        cmocka_unit_test(data_loss_is_told_from_torn_tails),
        cmocka_unit_test(manifests),
        cmocka_unit_test(table_files),
        cmocka_unit_test(equal_prefixes_are_told_apart),
        cmocka_unit_test(archives),
        cmocka_unit_test(old_archives_with_a_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
