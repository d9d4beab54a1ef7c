/* Every line is written as soon as it is made: memory does not grow with the number of issues. */
#include "bd/cmd/export_lines.h"

#include "base/os.h"
#include "bd/ui/issue_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 18)

struct lines {
    struct bd *bd;
    struct buf out;
    const char *temp;    /* NULL: standard output, or what follows */
    const char *special; /* a device or a pipe, which is written to directly */
    int fd;
    off_t at;
    struct export_counts *counts;
    struct err *err;
};

static int flush(struct lines *l) {
    int rc = BD_OK;
    if (l->special) {
        if (os_write_all(l->fd, l->out.data, l->out.size))
            rc = err_errno(l->err, "failed to write %s", l->special);
    } else if (!l->temp) {
        if (fwrite(buf_str(&l->out), 1, l->out.size, l->bd->out) != l->out.size)
            rc = err_errno(l->err, "failed to write");
    } else if (l->out.size && os_pwrite_all(l->fd, l->out.data, l->out.size, l->at)) {
        rc = err_errno(l->err, "failed to write %s", l->temp);
    }
    l->at += (off_t)l->out.size;
    buf_clear(&l->out);
    return rc;
}

static int end_line(struct lines *l) {
    buf_add_char(&l->out, '\n');
    return l->out.size >= PIECE ? flush(l) : BD_OK;
}

static int put_issue(void *ctx, const struct issue *i) {
    struct lines *l = ctx;
    struct json_writer w;
    json_begin(&w, &l->out, JSON_COMPACT);
    json_object(&w);
    json_member_str(&w, "_type", "issue");
    issue_json_members(&w, i, 0);
    json_member_int(&w, "dependency_count", i->dependency_count);
    json_member_int(&w, "dependent_count", i->dependent_count);
    json_member_int(&w, "comment_count", i->comment_count);
    json_object_end(&w);
    json_end(&w);
    l->counts->issues++;
    return end_line(l);
}

static int put_memories(struct lines *l, struct tables_txn *x) {
    struct export_memory *list;
    size_t count;
    int rc = export_memories(x, &l->bd->arena, &list, &count, l->err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        struct json_writer w;
        json_begin(&w, &l->out, JSON_COMPACT);
        json_object(&w);
        json_member_str(&w, "_type", "memory");
        json_member_str(&w, "key", list[i].key);
        json_member_str(&w, "value", list[i].value);
        json_object_end(&w);
        json_end(&w);
        l->counts->memories++;
        rc = end_line(l);
    }
    return rc;
}

static int open_temp(struct lines *l, const char *path) {
    static atomic_uint counter;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash + 1 - path) : 0;
    l->temp = arena_printf(&l->bd->arena, "%.*s.~%s.%lx%x", length, path, path + length, (long)getpid(),
                           atomic_fetch_add(&counter, 1));
    l->fd = os_open(l->temp, O_CREAT | O_EXCL | O_WRONLY, 0644);
    return l->fd < 0 ? err_errno(l->err, "failed to create output file %s", path) : BD_OK;
}

static int publish(struct lines *l, const char *path) {
    const char *slash = strrchr(path, '/');
    int rc = BD_OK;
    if (os_fsync(l->fd) || fchmod(l->fd, 0644))
        rc = err_errno(l->err, "failed to write %s", path);
    if (os_close(l->fd) && rc == BD_OK)
        rc = err_errno(l->err, "failed to write %s", path);
    l->fd = -1;
    if (rc == BD_OK && os_rename(l->temp, path))
        rc = err_errno(l->err, "failed to finalize export file %s", path);
    if (rc == BD_OK)
        os_fsync_dir(
            slash ? arena_strndup(&l->bd->arena, path, slash == path ? 1 : (size_t)(slash - path))
                  : ".");
    return rc;
}

int export_lines(struct bd *bd, const char *path, const struct export_options *options, bool memories,
                 struct export_counts *out, struct err *err) {
    struct lines l = {.bd = bd, .counts = out, .err = err, .fd = -1};
    struct tables_txn *x;
    *out = (struct export_counts){0, 0};
    int rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    if (path && os_is_special(path)) {
        l.special = path;
        l.fd = os_open(path, O_WRONLY, 0);
        rc = l.fd < 0 ? err_errno(err, "cannot open %s", path) : BD_OK;
    } else if (path) {
        char *target = os_link_target(path);
        path = arena_strdup(&bd->arena, target);
        free(target);
        rc = open_temp(&l, path);
    }
    if (rc == BD_OK)
        rc = export_issues(&bd->ops, x, options, put_issue, &l, err);
    if (rc == BD_OK && memories)
        rc = put_memories(&l, x);
    if (rc == BD_OK)
        rc = flush(&l);
    tables_read_end(x);
    if (rc == BD_OK && l.temp)
        rc = publish(&l, path);
    if (l.fd >= 0 && os_close(l.fd) && rc == BD_OK)
        rc = err_errno(err, "failed to write %s", path);
    if (rc && path && l.temp)
        os_unlink(l.temp);
    buf_release(&l.out);
    return rc;
}
