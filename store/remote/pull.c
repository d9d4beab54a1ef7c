/* Breadth first over the graph of chunks, one batch of addresses at a time. */
#include "store/remote/pull.h"

#include "base/os.h"
#include "store/chunk/address_map.h"
#include "store/chunk/bytes.h"
#include "store/chunk/chunk_file.h"
#include "store/chunk/table_writer.h"
#include "store/prolly/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES ((uint64_t)256 << 20)
#define ROOT_ATTEMPTS 10

struct pull {
    struct remote *source, *sink;
    uint64_t file_bytes;
    const struct pull_options *options;
    struct pull_stats *stats;
    struct table_writer *writer;
    struct manifest_spec *files; /* complete, not listed yet */
    size_t file_count, file_capacity;
    struct address_map seen;
    struct hash *queue; /* addresses to be looked at; those before `at` are done */
    size_t at, queued, capacity;
    struct chunk_file **leftovers; /* of an interrupted transfer */
    size_t leftover_count, leftover_capacity;
};

/* ---- files of an earlier transfer ---- */

static bool listed(const struct manifest_spec *files, size_t count, const struct hash *name) {
    for (size_t i = 0; i < count; i++)
        if (hash_eq(&files[i].name, name))
            return true;
    return false;
}

/* Chunk count in the footer of a table file; false when that cannot be read. */
static bool footer_count(const char *path, uint32_t *count) {
    struct stat st;
    uint8_t word[4];
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool ok = os_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 20 &&
              os_pread_all(fd, word, 4, st.st_size - 20) == 0;
    os_close(fd);
    if (ok)
        *count = read_u32(word);
    return ok;
}

static void add_leftover(struct pull *p, const char *dir, const struct hash *name) {
    char text[HASH_TEXT_SIZE + 1];
    struct buf path = BUF_INIT;
    struct chunk_file *f;
    uint32_t count;
    hash_format(name, text);
    buf_addf(&path, "%s/%s", dir, text);
    if (footer_count(path.data, &count) && chunk_file_open(&f, dir, name, count, NULL) == BD_OK) {
        MEM_GROW(p->leftovers, p->leftover_capacity, p->leftover_count + 1);
        p->leftovers[p->leftover_count++] = f;
    }
    buf_release(&path);
}

static int find_leftovers(struct pull *p, struct err *err) {
    const char *dir = p->sink->driver->staging(p->sink);
    struct arena a = ARENA_INIT;
    struct manifest_spec *files;
    size_t count, name_count;
    char **names;
    int rc = p->sink->driver->list_files(p->sink, &a, &files, &count, err);
    if (rc == BD_OK && os_list_dir(dir, &names, &name_count) == 0) {
        for (size_t i = 0; i < name_count; i++) {
            struct hash name;
            if (hash_parse(names[i], strlen(names[i]), &name) &&
                !hash_eq(&name, &manifest_journal_name) && !listed(files, count, &name))
                add_leftover(p, dir, &name);
        }
        os_free_list(names, name_count);
    }
    arena_release(&a);
    return rc;
}

/* ---- one chunk ---- */

static int report(struct pull *p, struct err *err) {
    p->stats->waiting = p->queued - p->at;
    int rc =
        p->options && p->options->progress ? p->options->progress(p->options->ctx, p->stats) : BD_OK;
    return rc == BD_OK ? rc : err_set(err, rc, "the transfer was ended; nothing was published");
}

static int complete_file(struct pull *p, struct err *err) {
    if (!p->writer)
        return BD_OK;
    struct manifest_spec spec = {.count = table_writer_count(p->writer)};
    uint64_t size = table_writer_size(p->writer);
    int rc = table_writer_finish(p->writer, &spec.name, err);
    p->writer = NULL;
    if (rc == BD_OK)
        rc = p->sink->driver->put_file(p->sink, &spec, err);
    if (rc != BD_OK)
        return rc;
    MEM_GROW(p->files, p->file_capacity, p->file_count + 1);
    p->files[p->file_count++] = spec;
    p->stats->files++;
    p->stats->file_bytes += size;
    return report(p, err);
}

static int enqueue(void *ctx, const struct hash *h) {
    struct pull *p = ctx;
    if (address_map_put(&p->seen, h, 0, 0)) {
        MEM_GROW(p->queue, p->capacity, p->queued + 1);
        p->queue[p->queued++] = *h;
    }
    return BD_OK;
}

static int take(void *ctx, const struct hash *h, const uint8_t *data, size_t size, struct err *err) {
    struct pull *p = ctx;
    char text[HASH_TEXT_SIZE + 1];
    struct hash is = hash_of(data, size);
    hash_format(h, text);
    if (!hash_eq(&is, h))
        return err_set(err, BD_CORRUPT,
                       "chunk %s is damaged where it comes from: its bytes have another hash", text);
    int rc = message_walk(&(struct chunk){data, size}, enqueue, p, err);
    if (rc != BD_OK) {
        err_prefix(err, "chunk %s", text);
        return rc;
    }
    if (!p->writer)
        rc = table_writer_open(&p->writer, p->sink->driver->staging(p->sink), err);
    if (rc == BD_OK)
        rc = table_writer_add(p->writer, h, data, size, err);
    p->stats->chunks++;
    p->stats->bytes += size;
    if (rc == BD_OK && table_writer_size(p->writer) >= p->file_bytes)
        rc = complete_file(p, err);
    if (rc == BD_OK && p->stats->chunks % 256 == 0)
        rc = report(p, err);
    return rc;
}

/* BD_NOT_FOUND when no leftover has the chunk, sound. */
static int take_leftover(struct pull *p, const struct hash *h, struct err *err) {
    for (size_t i = 0; i < p->leftover_count; i++) {
        uint8_t *data;
        size_t size;
        if (!chunk_file_has(p->leftovers[i], h) ||
            chunk_file_get(p->leftovers[i], h, &data, &size, NULL) != BD_OK)
            continue;
        struct hash is = hash_of(data, size);
        int rc = hash_eq(&is, h) ? take(p, h, data, size, err) : BD_NOT_FOUND;
        free(data);
        if (rc != BD_NOT_FOUND) {
            p->stats->reused++;
            return rc;
        }
    }
    return BD_NOT_FOUND;
}

/* ---- the walk ---- */

static int batch(struct pull *p, const struct hash *h, size_t count, struct err *err) {
    bool present[REMOTE_BATCH];
    struct hash wanted[REMOTE_BATCH];
    size_t n = 0;
    int rc = p->sink->driver->has_many(p->sink, h, count, present, err);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        if (present[i])
            continue;
        rc = take_leftover(p, &h[i], err);
        if (rc == BD_NOT_FOUND) {
            wanted[n++] = h[i];
            rc = BD_OK;
        }
    }
    return rc == BD_OK && n ? p->source->driver->get_many(p->source, wanted, n, take, p, err) : rc;
}

static int walk(struct pull *p, struct err *err) {
    struct hash now[REMOTE_BATCH]; /* the queue moves while a batch is worked on */
    int rc = BD_OK;
    while (rc == BD_OK && p->at < p->queued) {
        size_t n = p->queued - p->at < REMOTE_BATCH ? p->queued - p->at : REMOTE_BATCH;
        memcpy(now, p->queue + p->at, n * sizeof *now);
        p->at += n;
        if (p->at > REMOTE_BATCH * 16 && p->at > p->queued / 2) {
            memmove(p->queue, p->queue + p->at, (p->queued - p->at) * sizeof *p->queue);
            p->queued -= p->at;
            p->at = 0;
        }
        rc = batch(p, now, n, err);
    }
    return rc;
}

int pull_chunks(struct remote *source, struct remote *sink, const struct hash *targets, size_t count,
                const struct pull_options *options, struct pull_stats *stats, struct err *err) {
    struct pull_stats own;
    struct pull p = {.source = source, .sink = sink, .options = options, .stats = stats ? stats : &own};
    p.file_bytes = options && options->file_bytes ? options->file_bytes : FILE_BYTES;
    *p.stats = (struct pull_stats){0};
    for (size_t i = 0; i < count; i++)
        if (!hash_is_zero(&targets[i]))
            enqueue(&p, &targets[i]);
    int rc = find_leftovers(&p, err);
    if (rc == BD_OK)
        rc = walk(&p, err);
    if (rc == BD_OK)
        rc = complete_file(&p, err);
    if (rc == BD_OK && p.file_count)
        rc = sink->driver->add_files(sink, p.files, p.file_count, err);
    table_writer_drop(p.writer);
    for (size_t i = 0; i < p.leftover_count; i++)
        chunk_file_release(p.leftovers[i]);
    free(p.leftovers);
    free(p.files);
    free(p.queue);
    address_map_release(&p.seen);
    return rc;
}

int pull_root(struct remote *source, struct remote *sink, const struct pull_options *options,
              struct pull_stats *stats, struct hash *root, struct err *err) {
    struct hash from, to;
    int rc = source->driver->root(source, &from, err);
    if (rc == BD_OK && hash_is_zero(&from))
        rc = err_set(err, BD_NOT_FOUND, "the database to copy from is empty");
    if (rc == BD_OK)
        rc = sink->driver->root(sink, &to, err);
    if (rc == BD_OK)
        rc = pull_chunks(source, sink, &from, 1, options, stats, err);
    for (int attempt = 0; rc == BD_OK; attempt++) {
        rc = sink->driver->commit_root(sink, &to, &from, err);
        if (rc != BD_ROOT_MOVED || attempt == ROOT_ATTEMPTS)
            break;
        rc = sink->driver->root(sink, &to, err);
    }
    if (rc == BD_OK && root)
        *root = from;
    return rc;
}
