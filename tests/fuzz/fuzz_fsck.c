/*
 * The whole check over databases whose chunks have right hashes and wrong contents: no checksum
 * protects what lies behind. And over damaged files of every kind, which must be findings.
 *
 * Input: kind byte 0: chunks, each `u24 size, 20-byte label, bytes`. A label stands for the chunk in
 * the bytes of later ones, where it is replaced by the real address; the last chunk is the root. Kinds
 * 1 to 5: the content of a table file, an archive, a manifest, a journal.idx, a journal.
 */
#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/manifest.h"
#include "store/db/fsck.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNKS_MAX 400u

static char dir[200], noms[250];

static void put(const char *name, const void *data, size_t size) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", noms, name);
    int fd = os_open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || os_pwrite_all(fd, data, size, 0) < 0)
        abort();
    os_close(fd);
}

static void put_manifest(const struct hash *root, const struct hash *name, uint32_t count) {
    struct manifest m = MANIFEST_INIT;
    struct buf text = BUF_INIT;
    m.root = *root;
    manifest_add(&m, name, count);
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    manifest_format(&m, &text);
    put("manifest", text.data, text.size);
    buf_release(&text);
    manifest_release(&m);
}

static void replace_labels(uint8_t *bytes, size_t size, const struct hash *labels,
                           const struct hash *real, size_t count) {
    for (size_t at = 0; at + HASH_SIZE <= size; at++)
        for (size_t i = 0; i < count; i++)
            if (memcmp(bytes + at, labels[i].b, HASH_SIZE) == 0) {
                memcpy(bytes + at, real[i].b, HASH_SIZE);
                break;
            }
}

static void put_chunks(const uint8_t *data, size_t size) {
    struct hash labels[CHUNKS_MAX], real[CHUNKS_MAX], root = HASH_ZERO;
    struct buf journal = BUF_INIT;
    size_t count = 0;
    for (size_t at = 0; at + 3 + HASH_SIZE < size && count < CHUNKS_MAX;) {
        size_t n = (size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2];
        if (n > size - at - 3 - HASH_SIZE)
            n = size - at - 3 - HASH_SIZE;
        if (!n)
            break;
        uint8_t *bytes = mem_dup(data + at + 3 + HASH_SIZE, n);
        replace_labels(bytes, n, labels, real, count);
        memcpy(labels[count].b, data + at + 3, HASH_SIZE);
        root = real[count] = hash_of(bytes, n);
        count++;
        journal_append_chunk(&journal, &root, bytes, n);
        free(bytes);
        at += 3 + HASH_SIZE + n;
    }
    journal_append_root(&journal, &root, 1);
    put(JOURNAL_FILE, journal.data, journal.size);
    put_manifest(&root, &manifest_journal_name, 1);
    buf_release(&journal);
}

static void remove_all(void) {
    static const char *const names[] = {"manifest", "journal.idx", JOURNAL_FILE,
                                        "0123456789abcdefghijklmnopqrstuv",
                                        "0123456789abcdefghijklmnopqrstuv.darc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", noms, names[i]);
        os_unlink(path);
    }
}

static void clean_up(void) {
    remove_all();
    os_rmdir(noms);
    char dolt[250];
    snprintf(dolt, sizeof dolt, "%s/.dolt", dir);
    os_rmdir(dolt);
    os_rmdir(dir);
}

static void make_directory(void) {
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/bd-fuzz-fsck-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir))
        abort();
    snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
    if (os_mkdir_p(noms, 0755) < 0)
        abort();
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct hash name, root;
    if (size < 2)
        return 0;
    if (!*dir)
        make_directory();
    remove_all();
    hash_parse("0123456789abcdefghijklmnopqrstuv", HASH_TEXT_SIZE, &name);
    root = name;
    switch (data[0] % 6) {
    case 0: put_chunks(data + 1, size - 1); break;
    case 1:
        put("0123456789abcdefghijklmnopqrstuv", data + 1, size - 1);
        put_manifest(&root, &name, data[size - 1]);
        break;
    case 2:
        put("0123456789abcdefghijklmnopqrstuv.darc", data + 1, size - 1);
        put_manifest(&root, &name, 1);
        break;
    case 3: put("manifest", data + 1, size - 1); break;
    case 4:
        put_chunks(data + 1, size - 1);
        put("journal.idx", data + 1, size - 1);
        break;
    case 5:
        put(JOURNAL_FILE, data + 1, size - 1);
        put_manifest(&root, &manifest_journal_name, 1);
        break;
    }
    for (int level = FSCK_QUICK; level <= (int)FSCK_DEEP; level++) {
        struct fsck_report r;
        struct fsck_options o = {.level = (enum fsck_level)level};
        struct err err = ERR_INIT;
        fsck_report_init(&r);
        int rc = db_fsck(dir, &o, &r, &err);
        if (rc == BD_OK)
            for (size_t i = 0; i < r.count; i++)
                if (!r.findings[i].message[0])
                    abort(); /* every finding says something */
        fsck_report_release(&r);
    }
    struct arena a = ARENA_INIT;
    struct fsck_ref *refs;
    size_t count;
    struct fsck_options o = {.level = FSCK_DEEP};
    struct err err = ERR_INIT;
    (void)db_fsck_refs(dir, &o, &a, &refs, &count, &err);
    arena_release(&a);
    return 0;
}
