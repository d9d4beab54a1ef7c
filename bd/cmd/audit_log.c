/*
 * The append-only log .beads/interactions.jsonl. Every entry is one line and one write, so that lines
 * of processes that append at the same time never mix.
 */
#include "bd/cmd/write.h"

#include "base/datetime.h"
#include "base/os.h"
#include "bd/ops/uuid.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* "int-" and 32 hex digits */
static const char *new_id(struct arena *a) {
    char uuid[UUID_TEXT_SIZE], hex[33];
    size_t n = 0;
    uuid_v4(uuid);
    for (const char *s = uuid; *s; s++)
        if (*s != '-')
            hex[n++] = *s;
    hex[n] = '\0';
    return arena_printf(a, "int-%s", hex);
}

/* Opens an entry with id, kind and created_at; the caller adds the other members in order. */
static void entry_begin(struct json_writer *w, struct buf *line, const char *id, const char *kind) {
    char now[48];
    datetime_format_rfc3339(datetime_now(), now, sizeof now);
    json_begin(w, line, JSON_COMPACT | JSON_NO_HTML);
    json_object(w);
    json_member_str(w, "id", id);
    json_member_str(w, "kind", kind);
    json_member_str(w, "created_at", now);
}

/* Closes and appends it; releases the buffer. */
static int entry_end(struct bd *bd, struct json_writer *w, struct buf *line, struct err *err) {
    json_object_end(w);
    json_end(w);
    buf_add_char(line, '\n');
    int rc = BD_OK;
    if (!bd->ws.beads_dir) {
        rc = err_set(err, BD_NOT_FOUND, "no .beads directory found");
    } else {
        const char *path = arena_printf(&bd->arena, "%s/interactions.jsonl", bd->ws.beads_dir);
        int fd = os_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd < 0)
            rc = err_errno(err, "failed to open interactions log %s", path);
        else {
            if (write(fd, line->data, line->size) != (ssize_t)line->size)
                rc = err_errno(err, "failed to write interactions log %s", path);
            os_close(fd);
        }
    }
    buf_release(line);
    return rc;
}

void write_audit(struct bd *bd, const char *issue_id, const char *field, const char *old_value,
                 const char *new_value, const char *reason) {
    if (strcmp(old_value, new_value) == 0)
        return;
    struct json_writer w;
    struct buf line = BUF_INIT;
    entry_begin(&w, &line, new_id(&bd->arena), "field_change");
    json_member_str_opt(&w, "actor", bd_actor(bd));
    json_member_str_opt(&w, "issue_id", issue_id);
    json_key(&w, "extra");
    json_object(&w);
    json_member_str(&w, "field", field);
    json_member_str(&w, "new_value", new_value);
    json_member_str(&w, "old_value", old_value);
    json_member_str_opt(&w, "reason", reason);
    json_object_end(&w);
    entry_end(bd, &w, &line, NULL);
}
