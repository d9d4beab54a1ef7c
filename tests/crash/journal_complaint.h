/*
 * What real dolt needs of a journal beyond what we need: a root in it, nothing lost behind its end, no
 * chunk twice. Include once.
 */
#ifndef TESTS_CRASH_JOURNAL_COMPLAINT_H
#define TESTS_CRASH_JOURNAL_COMPLAINT_H

#include "base/os.h"
#include "store/chunk/address_map.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/manifest.h"

#include <fcntl.h>
#include <stdio.h>

static int journal_chunk_once(void *ctx, uint64_t offset, const uint8_t *bytes,
                              const struct journal_record *r, struct err *err) {
    (void)bytes;
    if (r->kind == JOURNAL_CHUNK && !address_map_put(ctx, &r->address, 0, 0))
        return err_set(err, BD_CORRUPT, "the chunk at %llu was there before (dolt clone would fail)",
                       (unsigned long long)offset);
    return BD_OK;
}

/* NULL when dolt would be content with the store in the directory `noms`. */
static const char *journal_complaint(const char *noms) {
    static struct err err;
    struct manifest m;
    char path[500];
    struct stat st;
    snprintf(path, sizeof path, "%s/" JOURNAL_FILE, noms);
    bool has_manifest = manifest_read(noms, &m, &err) == BD_OK;
    bool listed = has_manifest && manifest_names(&m, &manifest_journal_name);
    if (has_manifest)
        manifest_release(&m);
    if (os_stat(path, &st) < 0)
        return listed ? "a listed journal is missing" : NULL;
    if (!has_manifest)
        return NULL;
    int fd = os_open(path, O_RDONLY, 0);
    struct journal_walk_end end;
    bool lost = false;
    struct address_map seen = ADDRESS_MAP_INIT;
    int rc = journal_walk(fd, path, 0, (uint64_t)st.st_size, journal_chunk_once, &seen, &end, &err);
    address_map_release(&seen);
    if (rc == BD_OK && end.stop != JOURNAL_RECORD_NONE)
        rc = journal_find_loss(fd, path, end.offset, (uint64_t)st.st_size, &lost, &err);
    os_close(fd);
    if (rc != BD_OK)
        return err.msg;
    if (lost)
        return "real dolt would report data loss";
    return end.offset < JOURNAL_ROOT_SIZE ? "a journal without a root record" : NULL;
}

#endif
