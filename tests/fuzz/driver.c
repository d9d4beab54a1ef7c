/*
 * Runs a fuzz target without a fuzzing engine: every file of a seed folder, then seeded mutations of
 * them.
 *
 * usage: fuzz_x [-n MUTATIONS] [-s SEED] FILE-OR-FOLDER…
 * Speaks TAP: one line for the seeds, one for the mutations. A crash is the failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED_SIZE_MAX (1u << 20)

struct seed {
    uint8_t *data;
    size_t size;
};
static struct seed *seeds;
static size_t seed_count;

static void add_seed(const uint8_t *data, size_t size) {
    seeds = realloc(seeds, (seed_count + 1) * sizeof *seeds);
    if (!seeds)
        exit(2);
    seeds[seed_count].data = malloc(size + 1);
    if (!seeds[seed_count].data)
        exit(2);
    memcpy(seeds[seed_count].data, data, size);
    seeds[seed_count++].size = size;
}

static void add_path(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        DIR *dir = opendir(path);
        for (struct dirent *e; dir && (e = readdir(dir));) {
            if (e->d_name[0] == '.')
                continue;
            char name[4096];
            snprintf(name, sizeof name, "%s/%s", path, e->d_name);
            add_path(name);
        }
        if (dir)
            closedir(dir);
        return;
    }
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(SEED_SIZE_MAX);
    if (f && data)
        add_seed(data, fread(data, 1, SEED_SIZE_MAX, f));
    free(data);
    if (f)
        fclose(f);
}

static uint64_t state;
static uint64_t next_random(void) { /* splitmix64 */
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A few small damages to one seed: flipped bits, changed bytes, cut tail, copied stretches, extreme
 * lengths. */
static void run_mutation(void) {
    static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    const struct seed *from = &seeds[next_random() % seed_count];
    size_t size = from->size;
    uint8_t *data = malloc(size + 1);
    if (!data)
        exit(2);
    memcpy(data, from->data, size);
    for (unsigned n = 1 + (unsigned)(next_random() % 4); n && size; n--) {
        size_t at = (size_t)(next_random() % size);
        switch (next_random() % 5) {
        case 0: data[at] ^= (uint8_t)(1u << (next_random() % 8)); break;
        case 1: data[at] = (uint8_t)next_random(); break;
        case 2: size = at; break;
        case 3: data[at] = extremes[next_random() % sizeof extremes]; break;
        default: {
            size_t other = (size_t)(next_random() % size);
            size_t length = (size_t)(next_random() % 16);
            if (at + length <= size && other + length <= size)
                memmove(data + at, data + other, length);
        }
        }
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv) {
    unsigned long mutations = 20000;
    state = 1;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-n") && i + 1 < argc)
            mutations = strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "-s") && i + 1 < argc)
            state = strtoull(argv[++i], NULL, 10);
        else
            add_path(argv[i]);
    }
    add_seed((const uint8_t *)"", 0);
    printf("TAP version 13\n1..2\n");
    for (size_t i = 0; i < seed_count; i++)
        LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].size);
    printf("ok 1 - %zu seeds\n", seed_count);
    uint64_t seed = state;
    fflush(stdout);
    for (unsigned long i = 0; i < mutations; i++)
        run_mutation();
    printf("ok 2 - %lu mutations from seed %llu\n", mutations, (unsigned long long)seed);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    free(seeds);
    return 0;
}
