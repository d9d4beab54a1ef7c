/*
 * Numbers of the chunk store: opening, looking up and committing at growing journal sizes, against the
 * bare system calls; many writers at once.
 *
 *   bench_chunk_store DIR [MB …]        journals of these sizes (default 1 100)
 *   bench_chunk_store DIR writers N M   N processes, M commits each
 */
#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/chunk_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct err err;

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void check(int rc) {
    if (rc != BD_OK) {
        fprintf(stderr, "%s: %s\n", err_name(rc), err.msg);
        exit(1);
    }
}

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Half text, half noise: compresses to about half. */
static struct chunk_write make_chunk(uint8_t *space, size_t size) {
    for (size_t i = 0; i < size; i++)
        space[i] = i % 2 ? 'x' : (uint8_t)next_random();
    return (struct chunk_write){hash_of(space, size), space, size};
}

#define BATCH 24
#define CHUNK_SIZE 700

static struct chunk_write *make_batch(uint8_t *space, size_t size, struct chunk_write *chunks) {
    for (int i = 0; i < BATCH; i++)
        chunks[i] = make_chunk(space + (size_t)i * size, size);
    return chunks;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static void drop_dir(const char *dir) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        exit(1);
}

/* A store whose journal has at least `bytes` bytes, grown by commits of `per_commit` batches. */
static void grow(const char *noms, uint64_t bytes) {
    struct chunk_store *cs;
    struct chunk_store_stats stats;
    size_t count = 4096;
    struct chunk_write *chunks = mem_zalloc(count, sizeof *chunks);
    uint8_t *space = mem_alloc(count * CHUNK_SIZE);
    check(chunk_store_open(&cs, noms, 0, &err));
    for (;;) {
        chunk_store_get_stats(cs, &stats);
        if (stats.journal_bytes >= bytes)
            break;
        for (size_t i = 0; i < count; i++)
            chunks[i] = make_chunk(space + i * CHUNK_SIZE, CHUNK_SIZE);
        struct hash root = chunk_store_root(cs);
        check(chunk_store_commit(cs, &root, chunks, count, &chunks[0].hash, &err));
    }
    chunk_store_close(cs);
    free(chunks);
    free(space);
}

static double open_time(const char *noms, struct chunk_store_stats *stats, double *full) {
    double times[31], fulls[31];
    for (int i = 0; i < 31; i++) {
        struct chunk_store *cs;
        struct chunk chunk;
        double start = now_us();
        check(chunk_store_open(&cs, noms, CHUNK_STORE_READ_ONLY, &err));
        times[i] = now_us() - start;
        struct hash root = chunk_store_root(cs);
        check(chunk_store_get(cs, &root, &chunk, &err));
        chunk_store_get_stats(cs, stats);
        chunk_store_close(cs);
        fulls[i] = now_us() - start;
    }
    *full = median(fulls, 31);
    return median(times, 31);
}

struct sample {
    struct hash *items;
    size_t count, capacity, seen;
};
static int keep_some(void *ctx, const struct hash *h, struct err *e) {
    struct sample *s = ctx;
    (void)e;
    if (s->seen++ % 97 == 0 && s->count < 20000) {
        MEM_GROW(s->items, s->capacity, s->count + 1);
        s->items[s->count++] = *h;
    }
    return BD_OK;
}

static void look_up(const char *noms) {
    struct chunk_store *cs;
    struct sample s = {0};
    check(chunk_store_open(&cs, noms, CHUNK_STORE_READ_ONLY, &err));
    check(chunk_store_each(cs, keep_some, &s, &err));
    for (size_t i = s.count; i > 1; i--) {
        size_t k = (size_t)(next_random() % i);
        struct hash swap = s.items[k];
        s.items[k] = s.items[i - 1];
        s.items[i - 1] = swap;
    }
    double start = now_us();
    for (size_t i = 0; i < s.count; i++) {
        struct chunk chunk;
        check(chunk_store_get(cs, &s.items[i], &chunk, &err));
    }
    double got = now_us();
    for (size_t i = 0; i < s.count; i++) {
        struct hash absent = s.items[i];
        absent.b[7] ^= 0x55;
        absent.b[1] ^= 0x55;
        if (chunk_store_has(cs, &absent, &err) != BD_NOT_FOUND)
            exit(1);
    }
    double missed = now_us();
    printf("  get of %zu random chunks %.2f us each, absent ones %.2f us each\n", s.count,
           (got - start) / (double)s.count, (missed - got) / (double)s.count);
    chunk_store_close(cs);
    free(s.items);
}

static void commit_time(const char *noms, const char *dir) {
    enum { ROUNDS = 200 };
    static double bare[ROUNDS], commits[ROUNDS], one_shot[ROUNDS];
    static uint8_t space[BATCH * CHUNK_SIZE], page[4096];
    struct chunk_write chunks[BATCH];
    char path[512];
    snprintf(path, sizeof path, "%s/bare", dir);
    int fd = os_open(path, O_CREAT | O_RDWR, 0600);
    struct chunk_store *cs;
    check(chunk_store_open(&cs, noms, 0, &err));
    for (int i = 0; i < ROUNDS; i++) { /* interleaved: the disk's moods hit all alike */
        double start = now_us();
        if (os_pwrite_all(fd, page, sizeof page, (off_t)i * 4096) < 0 || os_fdatasync(fd) < 0)
            exit(1);
        bare[i] = now_us() - start;
        make_batch(space, CHUNK_SIZE, chunks);
        struct hash root = chunk_store_root(cs);
        start = now_us();
        check(chunk_store_commit(cs, &root, chunks, BATCH, &chunks[0].hash, &err));
        commits[i] = now_us() - start;
        make_batch(space, CHUNK_SIZE, chunks);
        struct chunk_store *other;
        start = now_us();
        check(chunk_store_open(&other, noms, 0, &err));
        root = chunk_store_root(other);
        check(chunk_store_commit(other, &root, chunks, BATCH, &chunks[0].hash, &err));
        chunk_store_close(other);
        one_shot[i] = now_us() - start;
        check(chunk_store_refresh(cs, &err));
    }
    chunk_store_close(cs);
    os_close(fd);
    unlink(path);
    double total = 0;
    for (int i = 0; i < ROUNDS; i++)
        total += commits[i];
    double worst = 0;
    for (int i = 0; i < ROUNDS; i++)
        worst = commits[i] > worst ? commits[i] : worst;
    printf(
        "  bare 4 KB append + fdatasync %.0f us; commit of %d chunks %.0f us (mean %.0f, worst %.0f); "
        "open + commit + close %.0f us\n",
        median(bare, ROUNDS), BATCH, median(commits, ROUNDS), total / ROUNDS, worst,
        median(one_shot, ROUNDS));
}

static void sizes(const char *dir, char **list, int count) {
    char noms[512];
    snprintf(noms, sizeof noms, "%s/noms", dir);
    drop_dir(noms);
    uint8_t space[CHUNK_SIZE];
    struct chunk_write first = make_chunk(space, CHUNK_SIZE);
    check(chunk_store_create(noms, &first, 1, &first.hash, &err));
    for (int i = 0; i < count; i++) {
        double start = now_us();
        grow(noms, (uint64_t)(atof(list[i]) * 1e6));
        double grown = now_us() - start, full;
        struct chunk_store_stats stats;
        double opened = open_time(noms, &stats, &full);
        printf("journal %.1f MB, %llu chunks (grown in %.0f ms)\n", (double)stats.journal_bytes / 1e6,
               (unsigned long long)stats.journal_chunks, grown / 1e3);
        printf("  open %.0f us, open + get root + close %.0f us, %llu bytes replayed\n", opened, full,
               (unsigned long long)stats.replayed_bytes);
        char index[600];
        snprintf(index, sizeof index, "%s/bd-journal-index", noms);
        struct stat st;
        if (stat(index, &st) == 0)
            printf("  index file %.1f MB\n", (double)st.st_size / 1e6);
        look_up(noms);
        commit_time(noms, dir);
    }
    drop_dir(noms);
}

static int add_commits(const char *noms, int commits, double *waits) {
    static uint8_t space[BATCH * CHUNK_SIZE];
    struct chunk_write chunks[BATCH];
    random_state ^= (uint64_t)getpid() * UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < commits; i++) {
        double start = now_us();
        struct chunk_store *cs;
        int rc = chunk_store_open(&cs, noms, 0, &err);
        bool locked = false;
        while (rc == BD_OK) {
            make_batch(space, CHUNK_SIZE, chunks);
            struct hash root = chunk_store_root(cs);
            rc = chunk_store_commit(cs, &root, chunks, BATCH, &chunks[0].hash, &err);
            if (rc != BD_ROOT_MOVED)
                break;
            rc = chunk_store_lock(cs, 10000, &err); /* lost once: run again under the lock */
            locked = true;
        }
        if (rc != BD_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        if (locked)
            chunk_store_unlock(cs);
        chunk_store_close(cs);
        waits[i] = now_us() - start;
    }
    return 0;
}

static void writers(const char *dir, int processes, int commits) {
    char noms[512];
    snprintf(noms, sizeof noms, "%s/noms", dir);
    drop_dir(noms);
    uint8_t space[CHUNK_SIZE];
    struct chunk_write first = make_chunk(space, CHUNK_SIZE);
    check(chunk_store_create(noms, &first, 1, &first.hash, &err));
    double start = now_us();
    int pipes[2];
    if (pipe(pipes) < 0)
        exit(1);
    for (int p = 0; p < processes; p++) {
        pid_t pid = fork();
        if (pid == 0) {
            double *waits = mem_zalloc((size_t)commits, sizeof *waits);
            int rc = add_commits(noms, commits, waits);
            double worst = 0;
            for (int i = 0; i < commits; i++)
                worst = waits[i] > worst ? waits[i] : worst;
            double summary[2] = {median(waits, (size_t)commits), worst};
            if (write(pipes[1], summary, sizeof summary) != sizeof summary)
                rc = 1;
            _exit(rc);
        }
    }
    int failed = 0, status;
    double slowest = 0, middle = 0;
    for (int p = 0; p < processes; p++) {
        if (wait(&status) < 0 || status != 0)
            failed++;
        double summary[2];
        if (read(pipes[0], summary, sizeof summary) == sizeof summary) {
            slowest = summary[1] > slowest ? summary[1] : slowest;
            middle += summary[0] / processes;
        }
    }
    double seconds = (now_us() - start) / 1e6;
    printf("%d writers x %d commits: %.2f s, %.0f commits/s, median wait %.0f ms, worst %.0f ms, %d "
           "failed\n",
           processes, commits, seconds, processes * commits / seconds, middle / 1e3, slowest / 1e3,
           failed);
    drop_dir(noms);
}

int main(int argc, char **argv) {
    static char *defaults[] = {"1", "100"};
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR [MB ...] | DIR writers N M\n", argv[0]);
        return 2;
    }
    if (argc == 5 && strcmp(argv[2], "writers") == 0)
        writers(argv[1], atoi(argv[3]), atoi(argv[4]));
    else if (argc > 2)
        sizes(argv[1], argv + 2, argc - 2);
    else
        sizes(argv[1], defaults, 2);
    return 0;
}
