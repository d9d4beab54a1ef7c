/* What the families of checks share: answers, files, settings. */
#include "doctor/room.h"

#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)4 << 20)

/* ---- answers ---- */

static const char *format(struct doctor *d, const char *fmt, va_list ap) {
    struct buf b = BUF_INIT;
    buf_vaddf(&b, fmt, ap);
    const char *text = arena_strndup(d->arena, buf_str(&b), b.size);
    buf_release(&b);
    return text;
}

#define SAY(target)                                                                                    \
    va_list ap;                                                                                        \
    va_start(ap, fmt);                                                                                 \
    (target) = format(d, fmt, ap);                                                                     \
    va_end(ap)

void doctor_ok(struct doctor *d, struct doctor_result *r, const char *fmt, ...) {
    r->status = DOCTOR_OK;
    SAY(r->message);
}

void doctor_warn(struct doctor *d, struct doctor_result *r, const char *fmt, ...) {
    r->status = DOCTOR_WARNING;
    SAY(r->message);
}

void doctor_bad(struct doctor *d, struct doctor_result *r, const char *fmt, ...) {
    r->status = DOCTOR_ERROR;
    SAY(r->message);
}

void doctor_detail(struct doctor *d, struct doctor_result *r, const char *fmt, ...) { SAY(r->detail); }

void doctor_hint(struct doctor *d, struct doctor_result *r, const char *fmt, ...) { SAY(r->fix); }

void doctor_offer(struct doctor *d, struct doctor_result *r, const char *fmt, ...) {
    const char *what;
    SAY(what);
    r->fix = arena_printf(d->arena, "Run 'bd doctor --fix' to %s", what);
    r->fixable = true;
}

bool doctor_no_store(struct doctor *d, struct doctor_result *r) {
    if (d->x)
        return false;
    doctor_ok(d, r, d->open_error.code ? "N/A (unable to open database)" : "N/A (no database)");
    return true;
}

const char *doctor_sample(struct doctor *d, const char *const *items, size_t count) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count && i < DOCTOR_SAMPLE; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", items[i]);
    if (count > DOCTOR_SAMPLE)
        buf_addf(&b, " (+%zu more)", count - DOCTOR_SAMPLE);
    const char *text = arena_strndup(d->arena, buf_str(&b), b.size);
    buf_release(&b);
    return text;
}

const char *doctor_bytes(struct doctor *d, uint64_t bytes) {
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
    if (bytes < 1024)
        return arena_printf(d->arena, "%llu bytes", (unsigned long long)bytes);
    double v = (double)bytes / 1024;
    size_t u = 0;
    for (; v >= 1024 && u < 4; u++)
        v /= 1024;
    return arena_printf(d->arena, "%.1f %s", v, units[u]);
}

/* ---- files ---- */

const char *doctor_path(struct doctor *d, const char *name) {
    return arena_printf(d->arena, "%s/%s", d->ws->beads_dir ? d->ws->beads_dir : d->ws->database_dir,
                        name);
}

char *doctor_read(struct doctor *d, const char *path, size_t *size) {
    char *data;
    size_t n;
    if (os_read_file(path, FILE_MAX, &data, &n))
        return NULL;
    char *copy = arena_strndup(d->arena, data, n);
    free(data);
    if (size)
        *size = n;
    return copy;
}

const struct json_value *doctor_json(struct doctor *d, const char *path) {
    size_t size;
    char *text = doctor_read(d, path, &size);
    return text ? json_value_parse(text, size, d->arena, NULL) : NULL;
}

static int compare_names(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

size_t doctor_list(struct doctor *d, const char *dir, const char ***names) {
    size_t n = 0, capacity = 0;
    const char **list = NULL;
    DIR *open = opendir(dir);
    *names = NULL;
    if (!open)
        return 0;
    for (struct dirent *e; (e = readdir(open));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        MEM_GROW(list, capacity, n + 1);
        list[n++] = arena_strdup(d->arena, e->d_name);
    }
    closedir(open);
    if (n)
        qsort(list, n, sizeof *list, compare_names);
    *names = arena_dup(d->arena, list ? list : (void *)"", n * sizeof *list);
    free(list);
    return n;
}

size_t doctor_databases(struct doctor *d, const char *data_dir, const char ***names) {
    size_t all = doctor_list(d, data_dir, names), n = 0;
    for (size_t i = 0; i < all; i++)
        if ((*names)[i][0] != '.' &&
            os_is_dir(arena_printf(d->arena, "%s/%s/.dolt", data_dir, (*names)[i])))
            (*names)[n++] = (*names)[i];
    return n;
}

size_t doctor_sqlite_files(struct doctor *d, const char *out[DOCTOR_SAMPLE]) {
    static const char magic[] = "SQLite format 3";
    const char **names;
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        char head[sizeof magic] = {0};
        size_t size = strlen(names[i]);
        if (!(size > 3 && strcmp(names[i] + size - 3, ".db") == 0) &&
            strcmp(names[i], "db.sqlite") != 0)
            continue;
        if (strstr(names[i], ".backup"))
            continue;
        int fd = os_open(doctor_path(d, names[i]), O_RDONLY, 0);
        bool is = fd >= 0 && os_pread_all(fd, head, sizeof magic, 0) == 0 &&
                  memcmp(head, magic, sizeof magic) == 0;
        if (fd >= 0)
            os_close(fd);
        if (is && found < DOCTOR_SAMPLE)
            out[found] = names[i];
        found += is;
    }
    return found;
}

static uint64_t usage_at(int parent, const char *name, int depth) {
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    uint64_t sum = (uint64_t)st.st_blocks * 512;
    int fd;
    if (!S_ISDIR(st.st_mode) || depth > 32 ||
        (fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return sum;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return sum;
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            sum += usage_at(fd, e->d_name, depth + 1);
    closedir(dir);
    return sum;
}

uint64_t doctor_disk_usage(const char *dir) { return usage_at(AT_FDCWD, dir, 0); }

int64_t doctor_age(struct doctor *d, const char *path) {
    struct stat st;
    if (os_stat(path, &st))
        return -1;
    int64_t age = d->now / MICROS_PER_SECOND - (int64_t)st.st_mtime;
    return age < 0 ? 0 : age;
}

/* ---- settings ---- */

static int take_setting(void *ctx, const struct cell *row) {
    struct doctor *d = ctx;
    if (cell_has_text(&row[0]))
        strmap_put_n(d->settings, row[0].s.data, row[0].s.size,
                     cell_has_text(&row[1]) ? arena_strndup(d->arena, row[1].s.data, row[1].s.size)
                                            : "");
    return BD_OK;
}

const char *doctor_setting(struct doctor *d, const char *key) {
    static const char *const columns[] = {"key", "value"};
    struct tables_query q = {.table = "config", .columns = columns, .column_count = 2};
    if (!d->settings) {
        d->settings = arena_zalloc(d->arena, sizeof *d->settings);
        if (d->x && tables_has_table(d->x, "config"))
            tables_scan(d->x, &q, NULL, take_setting, d, NULL);
    }
    const char *v = strmap_get(d->settings, key);
    if (!v && d->config)
        v = config_get(d->config, key);
    return v && *v ? v : NULL;
}

uint64_t doctor_setting_bytes(struct doctor *d, const char *key, uint64_t fallback) {
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"", 0},     {"b", 0},  {"k", 10},  {"kb", 10},  {"kib", 10}, {"m", 20},  {"mb", 20},
                 {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}, {"t", 40},   {"tb", 40}, {"tib", 40}};
    const char *v = doctor_setting(d, key);
    char *end;
    if (!v)
        return fallback;
    double n = strtod(v, &end);
    if (end == v || !(n > 0))
        return fallback;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(end, units[i].unit) == 0 &&
            n < 1e6 * (double)(1ULL << 40) / (double)(1ULL << units[i].shift))
            return (uint64_t)(n * (double)(1ULL << units[i].shift));
    return fallback;
}

const char *doctor_meta(struct doctor *d, struct tables_txn *x, const char *table, const char *key) {
    static const char *const value = "value";
    struct cell k = cell_text(key), got = cell_null();
    if (!x || !tables_has_table(x, table) ||
        tables_get(x, table, &k, 1, &value, 1, d->arena, &got, NULL) || !cell_has_text(&got))
        return "";
    return cell_format(&got, d->arena);
}
