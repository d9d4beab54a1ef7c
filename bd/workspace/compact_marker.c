/* A marker is written beside its name and renamed, so a reader finds all of its lines or no marker. */
#include "bd/workspace/compact_marker.h"

#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARKER_MAX 65536

const char *const compact_marker_names[] = {"compact-quarantine", "compact-pending-gc",
                                            "compact-pending-push", NULL};

const char *compact_marker_path(const char *beads_dir, enum compact_marker kind, const char *db,
                                struct arena *a) {
    return arena_printf(a, "%s/compact/%s/%s", beads_dir, compact_marker_names[kind], db);
}

/* A value is one line. */
static void add_line(struct buf *out, const char *key, const char *value) {
    buf_addf(out, "%s=", key);
    for (const char *p = value; *p; p++)
        buf_add_char(out, *p == '\n' || *p == '\r' ? ' ' : *p);
    buf_add_char(out, '\n');
}

int compact_marker_put(const char *beads_dir, enum compact_marker kind, const struct compact_note *note,
                       struct err *err) {
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT;
    const char *folder = arena_printf(&a, "%s/compact/%s", beads_dir, compact_marker_names[kind]);
    const char *path = compact_marker_path(beads_dir, kind, note->db, &a);
    add_line(&text, "db", note->db);
    add_line(&text, "reason", note->reason);
    if (note->remote && *note->remote) {
        add_line(&text, "remote", note->remote);
        add_line(&text, "expected_remote_head", note->expected_head);
    }
    if (note->from_head && *note->from_head)
        add_line(&text, "compacted_from_head", note->from_head);
    add_line(&text, "verified", kind == COMPACT_QUARANTINE ? "false" : "true");
    buf_addf(&text, "created_at=%lld\n", (long long)note->created_at);
    int rc = BD_OK;
    if (os_mkdir_p(folder, 0700) || os_write_file_atomic(path, text.data, text.size, 0600))
        rc = err_errno(err, "cannot write %s", path);
    buf_release(&text);
    arena_release(&a);
    return rc;
}

static const char *value_of(char *lines, const char *key, struct arena *a) {
    size_t n = strlen(key);
    for (char *line = lines; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, n) == 0 && line[n] == '=')
            return arena_strndup(a, line + n + 1, strcspn(line + n + 1, "\r\n"));
    return "";
}

int compact_marker_get(const char *beads_dir, enum compact_marker kind, const char *db, struct arena *a,
                       struct compact_note *out, struct err *err) {
    const char *path = compact_marker_path(beads_dir, kind, db, a);
    char *text;
    size_t size;
    memset(out, 0, sizeof *out);
    if (os_read_file(path, MARKER_MAX, &text, &size))
        return errno == ENOENT || errno == ENOTDIR ? BD_NOT_FOUND
                                                   : err_errno(err, "cannot read %s", path);
    out->db = value_of(text, "db", a);
    out->reason = value_of(text, "reason", a);
    out->from_head = value_of(text, "compacted_from_head", a);
    out->remote = value_of(text, "remote", a);
    out->expected_head = value_of(text, "expected_remote_head", a);
    out->created_at = strtoll(value_of(text, "created_at", a), NULL, 10);
    free(text);
    return BD_OK;
}

int compact_marker_remove(const char *beads_dir, enum compact_marker kind, const char *db,
                          struct err *err) {
    struct arena a = ARENA_INIT;
    const char *path = compact_marker_path(beads_dir, kind, db, &a);
    int rc = BD_OK;
    if (os_unlink(path) && errno != ENOENT && errno != ENOTDIR)
        rc = err_errno(err, "cannot remove %s", path);
    arena_release(&a);
    return rc;
}
