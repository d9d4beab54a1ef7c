/*
 * Chunks that are missing or damaged, brought back: made again where their content follows from others
 * (repair_made.c), or taken from any other file that still holds them. An address
 * is a hash of the content, so what is found is right or is not taken.
 */
#include "store/db/repair_steps.h"

#include "base/os.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/repair.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 12    /* what comes back may refer to more that is missing */
#define NAMED_MAX 5u /* chunks that have no intact copy */

static void want(struct repair_missing *m, const struct hash *h) {
    if (address_map_find(&m->numbers, h))
        return;
    address_map_put(&m->numbers, h, 0, m->count);
    size_t capacity = m->capacity;
    MEM_GROW(m->wanted, m->capacity, m->count + 1);
    MEM_GROW(m->found, capacity, m->count + 1);
    m->wanted[m->count] = *h;
    m->found[m->count++] = (struct chunk_write){.hash = *h};
}

static void list_missing(struct repair_missing *m, struct db_check *c) {
    if (c->root == SCAN_NONE && !hash_is_zero(&c->scan->root) &&
        scan_find(c->scan, &c->scan->root) == SCAN_NONE)
        want(m, &c->scan->root);
    for (size_t i = 0; i < c->dangling_count; i++) {
        const struct check_dangling *d = &c->dangling[i];
        if (!c->reached[d->from])
            continue;
        want(m, &d->to);
        uint8_t kind = c->kind[d->from];
        m->closures = m->closures || kind == MESSAGE_COMMIT || kind == MESSAGE_COMMIT_CLOSURE;
        m->trees = m->trees || kind == MESSAGE_TREE_NODE || kind == MESSAGE_TABLE;
    }
}

/* ---- taken from elsewhere ---- */

static void tell_taken(struct repair_missing *m, size_t count, const char *place, const char *label) {
    bool dry = m->x->o->dry_run;
    if (count)
        repair_step_add(m->x, REPAIR_FILES, !dry, "%s %zu %s from %s/%s", dry ? "would take" : "took",
                        count, m->damaged ? "intact copies of damaged chunks" : "missing chunks", place,
                        label);
}

/* Every copy in the files of the scan is looked at until one is right. */
static void take_from_scan(struct repair_missing *m, const struct scan *s, const char *place) {
    struct scan_reader *reader = scan_reader_new(s);
    size_t before = m->taken;
    for (size_t k = 0; k < s->count; k++) {
        const struct scan_entry *e = &s->entries[k];
        const struct address_entry *number = address_map_find(&m->numbers, &e->address);
        uint8_t *data;
        size_t size;
        if (k > 0 && e->file != e[-1].file) {
            tell_taken(m, m->taken - before, place, s->files[e[-1].file].label);
            before = m->taken;
        }
        if (!number || m->found[number->value].data ||
            scan_read(reader, (uint32_t)k, &data, &size, NULL) != BD_OK)
            continue;
        struct hash real = hash_of(data, size);
        if (hash_eq(&real, &e->address)) {
            m->found[number->value].data = data;
            m->found[number->value].size = size;
            m->taken++;
        } else {
            free(data);
        }
    }
    if (s->count)
        tell_taken(m, m->taken - before, place, s->files[s->entries[s->count - 1].file].label);
    scan_reader_free(reader);
}

static void take_from(struct repair_missing *m, const char *place) {
    struct scan *s;
    if (!repair_open_count(m) || scan_open_loose(&s, place) != BD_OK)
        return;
    take_from_scan(m, s, place);
    scan_close(s);
}

static void take_from_elsewhere(struct repair_missing *m) {
    struct buf places = BUF_INIT;
    repair_search_places(m->x, &places);
    for (const char *at = buf_str(&places); *at && repair_open_count(m);) {
        const char *end = strchr(at, '\n');
        take_from(m, arena_strndup(&m->x->r->arena, at, (size_t)(end - at)));
        at = end + 1;
    }
    buf_release(&places);
}

/* ---- put where they belong ---- */

static int put_into_store(struct repair *x, struct chunk_write *list, size_t count, struct err *err) {
    struct chunk_store *cs;
    int rc = repair_set_aside(x, arena_printf(&x->r->arena, "%s/manifest", x->place.noms), 0,
                              "manifest", err);
    if (rc == BD_OK)
        rc = chunk_store_open(&cs, x->place.noms, 0, err);
    if (rc != BD_OK)
        return rc;
    struct hash root = chunk_store_root(cs);
    rc = chunk_store_commit(cs, &root, list, count, &root, err);
    chunk_store_close(cs);
    return rc;
}

/* Behind the records of a journal that is not in use yet. */
static int put_into_journal(const char *file, const struct hash *root, const struct chunk_write *list,
                            size_t count, struct err *err) {
    struct buf records = BUF_INIT;
    struct stat st;
    int rc = BD_OK, fd = os_open(file, O_RDWR, 0);
    for (size_t i = 0; i < count; i++)
        journal_append_chunk(&records, &list[i].hash, list[i].data, list[i].size);
    journal_append_root(&records, root, (uint64_t)time(NULL));
    if (fd < 0 || os_fstat(fd, &st) < 0 ||
        os_pwrite_all(fd, records.data, records.size, st.st_size) < 0 || os_fsync(fd) < 0)
        rc = err_errno(err, "cannot write %s", file);
    if (fd >= 0)
        os_close(fd);
    buf_release(&records);
    return rc;
}

static void missing_release(struct repair_missing *m) {
    for (size_t i = 0; i < m->count; i++)
        free((void *)(uintptr_t)m->found[i].data);
    free(m->found);
    free(m->wanted);
    address_map_release(&m->numbers);
}

/* One round. *progress: something was brought back; *left: chunks that are still missing. */
static int fill_once(struct repair *x, const char *journal, bool *progress, size_t *left,
                     struct err *err) {
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_DEEP, .journal = journal};
    struct db_check c;
    struct repair_missing m = {.x = x};
    struct hash root = HASH_ZERO;
    *progress = false;
    fsck_report_init(&ignored);
    int rc = check_open(&c, x->place.noms, &o, &ignored, err);
    if (rc == BD_OK) {
        rc = check_chunks(&c, err);
        check_find_root(&c);
        if (rc == BD_OK)
            rc = check_references(&c, err);
        root = c.scan->root;
        list_missing(&m, &c);
        if (rc == BD_OK && m.count) {
            repair_make_chunks(&m, &c);
            take_from_elsewhere(&m);
        }
        check_close(&c);
    }
    fsck_report_release(&ignored);
    struct chunk_write *list = mem_zalloc(m.count + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < m.count; i++)
        if (m.found[i].data)
            list[n++] = m.found[i];
    if (rc == BD_OK && n && !x->o->dry_run)
        rc = journal ? put_into_journal(journal, &root, list, n, err) : put_into_store(x, list, n, err);
    if (rc == BD_OK && m.made)
        repair_step_add(x, REPAIR_FILES, !x->o->dry_run,
                        "%s %zu missing chunks again from what they follow from (closures, indexes)",
                        x->o->dry_run ? "would make" : "made", m.made);
    *progress = rc == BD_OK && n > 0 && !x->o->dry_run;
    *left = m.count - n;
    free(list);
    missing_release(&m);
    return rc;
}

int repair_fill_gaps(struct repair *x, const char *journal, struct err *err) {
    bool progress = true;
    size_t left = 0;
    int rc = BD_OK;
    for (int round = 0; round < ROUNDS && progress && rc == BD_OK; round++)
        rc = fill_once(x, journal, &progress, &left, err);
    if (rc == BD_OK && left && !journal)
        repair_step_add(
            x, REPAIR_FILES, false,
            "%zu chunks are missing and nowhere to be found; 'bd fsck --repair --search DIR' looks "
            "in another clone or backup",
            left);
    return rc;
}

/* ---- damaged chunks of table files and archives ---- */

/* Not the bytes that the address says; a message that makes no sense has no better copy. */
static bool is_damaged(struct db_check *c, struct scan_reader *reader, size_t entry) {
    const struct scan_entry *e = &c->scan->entries[entry];
    uint8_t *data;
    size_t size;
    if (c->kind[entry] != CHECK_KIND_DAMAGED || c->scan->files[e->file].kind == SCAN_JOURNAL ||
        c->scan->files[e->file].ignored)
        return false;
    if (scan_read(reader, (uint32_t)entry, &data, &size, NULL) != BD_OK)
        return true;
    struct hash real = hash_of(data, size);
    free(data);
    return !hash_eq(&real, &e->address);
}

static int by_address(const void *a, const void *b) {
    return hash_cmp(&((const struct chunk_write *)a)->hash, &((const struct chunk_write *)b)->hash);
}

/* The file of the scan, written anew with the intact copies of the list. */
static int replace_file(struct repair *x, const struct scan_file *f, struct chunk_write *list,
                        size_t count, struct err *err) {
    struct arena *a = &x->r->arena;
    bool old = strncmp(f->label, "oldgen/", 7) == 0, archive;
    const char *dir = arena_printf(a, old ? "%s/oldgen" : "%s", x->place.noms),
               *path = arena_printf(a, "%s/%s", x->place.noms, f->label),
               *base = f->label + (old ? 7 : 0);
    struct hash before, now;
    uint32_t chunks;
    char text[HASH_TEXT_SIZE + 1];
    if (!scan_is_file_name(base, &before, &archive))
        return err_set(err, BD_INVALID, "%s is no table file or archive", path);
    if (x->o->dry_run) {
        repair_step_add(x, REPAIR_FILES, false,
                        "would write %s anew: %zu damaged chunks replaced by intact copies", f->label,
                        count);
        return BD_OK;
    }
    qsort(list, count, sizeof *list, by_address);
    int rc = repair_set_aside(x, path, 0, base, err);
    if (rc == BD_OK)
        rc = repair_set_aside(x, arena_printf(a, "%s/manifest", dir), 0,
                              old ? "oldgen-manifest" : "manifest", err);
    if (rc == BD_OK)
        rc = repair_rewrite_file(path, archive, dir, list, count, &now, &chunks, err);
    /* An archive whose spans are as long as before has its name too, and has taken its place already.
     */
    bool renamed = !archive || !hash_eq(&before, &now);
    if (rc == BD_OK && renamed)
        rc = repair_swap_file(dir, &before, &now, chunks, err);
    if (rc != BD_OK)
        return rc;
    if (renamed)
        os_unlink(path); /* it is set aside; if it stays, it is a file that no manifest names */
    hash_format(&now, text);
    repair_step_add(x, REPAIR_FILES, true,
                    "wrote %s anew as %s%s.darc: %zu damaged chunks replaced by intact copies",
                    f->label, old ? "oldgen/" : "", text, count);
    return BD_OK;
}

static int replace_files(struct repair_missing *m, struct db_check *c, const bool *damaged,
                         struct err *err) {
    const struct scan *s = c->scan;
    struct chunk_write *list = mem_zalloc(m->count + 1, sizeof *list);
    int rc = BD_OK;
    for (size_t i = 0, n = 0; rc == BD_OK && i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (damaged[i]) {
            struct chunk_write *found = &m->found[address_map_find(&m->numbers, &e->address)->value];
            if (found->data)
                list[n++] = *found;
        }
        if (i + 1 == s->count || e[1].file != e->file) {
            if (n)
                rc = replace_file(m->x, &s->files[e->file], list, n, err);
            n = 0;
        }
    }
    free(list);
    return rc;
}

/* What is needed and nowhere intact is named, and stays where it is. */
static void tell_unmended(struct repair_missing *m, const struct db_check *c, const bool *damaged) {
    struct buf names = BUF_INIT;
    size_t count = 0;
    bool sees_all = check_sees_all(c);
    for (size_t i = 0; i < c->scan->count; i++) {
        const struct scan_entry *e = &c->scan->entries[i];
        char text[HASH_TEXT_SIZE + 1];
        if (!damaged[i] || m->found[address_map_find(&m->numbers, &e->address)->value].data)
            continue;
        uint32_t first = scan_find(c->scan, &e->address);
        if (sees_all && (first == SCAN_NONE || !c->reached[first]))
            continue;
        if (count++ < NAMED_MAX)
            buf_addf(&names, "%s%s in %s", names.size ? ", " : "", check_name(&e->address, text),
                     c->scan->files[e->file].label);
    }
    if (count)
        repair_step_add(
            m->x, REPAIR_FILES, false,
            "%zu damaged chunks have no intact copy here, nor in a backup or remote that the "
            "database knows and that is a folder: %s%s. Another clone, a backup or a copy of "
            "the disk may have them: 'bd fsck --repair --search DIR' takes them from there",
            count, buf_str(&names), count > NAMED_MAX ? " …" : "");
    buf_release(&names);
}

int repair_replace_damaged(struct repair *x, bool *changed, struct err *err) {
    struct fsck_report ignored;
    struct fsck_options o = {
        .level = FSCK_DEEP, .progress = x->o->progress, .progress_ctx = x->o->progress_ctx};
    struct db_check c;
    struct repair_missing m = {.x = x, .damaged = true, .closures = true, .trees = true};
    *changed = false;
    fsck_report_init(&ignored);
    int rc = check_open(&c, x->place.noms, &o, &ignored, err);
    if (rc == BD_OK) {
        bool *damaged = mem_zalloc(c.scan->count + 1, sizeof *damaged);
        rc = check_chunks(&c, err);
        if (rc == BD_OK) {
            check_find_root(&c);
            rc = check_references(&c, err);
        }
        for (size_t i = 0; rc == BD_OK && i < c.scan->count; i++)
            if ((damaged[i] = is_damaged(&c, c.reader, i)))
                want(&m, &c.scan->entries[i].address);
        if (rc == BD_OK && m.count) {
            take_from_scan(&m, c.scan, x->place.noms);
            take_from_elsewhere(&m);
            if (repair_open_count(&m))
                repair_make_chunks(&m, &c);
            if (m.made)
                repair_step_add(x, REPAIR_FILES, !x->o->dry_run,
                                "%s %zu damaged chunks again from what they follow from (closures, "
                                "indexes)",
                                x->o->dry_run ? "would make" : "made", m.made);
            rc = replace_files(&m, &c, damaged, err);
            *changed = rc == BD_OK && repair_open_count(&m) < m.count && !x->o->dry_run;
            if (rc == BD_OK)
                tell_unmended(&m, &c, damaged);
        }
        free(damaged);
        check_close(&c);
    }
    missing_release(&m);
    fsck_report_release(&ignored);
    return rc;
}
