/* What goes to standard output: lines for people, and one JSON value for programs. */
#include "bd/cmd/context.h"

#include <stdlib.h>
#include <string.h>

void bd_say(struct bd *bd, const char *fmt, ...) {
    if (bd->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(bd->out, fmt, ap);
    va_end(ap);
}

static bool envelope(void) {
    const char *v = getenv("BD_JSON_ENVELOPE");
    return v && strcmp(v, "1") == 0;
}

static void drain(void *ctx, struct buf *out) {
    struct bd *bd = ctx;
    fwrite(out->data, 1, out->size, bd->out);
    buf_clear(out);
}

void bd_json_begin(struct bd *bd, struct json_writer *w, struct buf *out, bool object) {
    if (envelope()) {
        json_begin(w, out, 0);
        json_object(w);
        json_key(w, "data");
        return;
    }
    json_begin(w, out, object ? JSON_SORT_KEYS | JSON_VERSIONED : 0);
    if (!object) {
        w->drain = drain;
        w->drain_ctx = bd;
    }
}

void bd_json_text(struct bd *bd, struct json_writer *w, struct buf *out) {
    (void)bd;
    if (envelope()) {
        json_member_int(w, "schema_version", 1);
        json_object_end(w);
    }
    json_end(w);
    buf_add_char(out, '\n');
}

void bd_json_end(struct bd *bd, struct json_writer *w, struct buf *out) {
    bd_json_text(bd, w, out);
    fwrite(out->data, 1, out->size, bd->out);
    buf_release(out);
    if (bd->stderr_tty && !envelope())
        fprintf(bd->err, "NOTE: the shape of --json output changes in version 2; BD_JSON_ENVELOPE=1 "
                         "gives the new one.\n");
}
