/* How commands say that they failed, or warn: text or JSON, standard error or output. */
#include "bd/cmd/parse.h"

#include <stdlib.h>
#include <string.h>

static void put(struct bd *bd, FILE *to, const struct buf *text) {
    if (to == bd->err)
        fflush(bd->out);
    fwrite(buf_str(text), 1, text->size, to);
    if (to == bd->err)
        fflush(bd->err);
}

static void put_json(struct bd *bd, FILE *to, const char *code, const char *message, const char *hint) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str_opt(&w, "code", code);
    json_member_str(&w, "error", message);
    json_member_str_opt(&w, "hint", hint);
    json_object_end(&w);
    bd_json_text(bd, &w, &out);
    put(bd, to, &out);
    buf_release(&out);
}

static int fail(struct bd *bd, FILE *json_to, const char *code, const char *hint, const char *fmt,
                va_list ap) {
    struct buf message = BUF_INIT, text = BUF_INIT;
    buf_vaddf(&message, fmt, ap);
    if (bd->json) {
        put_json(bd, json_to, code, buf_str(&message), hint);
    } else {
        buf_addf(&text, "Error: %s\n", buf_str(&message));
        if (hint)
            buf_addf(&text, "Hint: %s\n", hint);
        put(bd, bd->err, &text);
    }
    buf_release(&message);
    buf_release(&text);
    return 1;
}

int cmd_fail(struct bd *bd, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int rc = fail(bd, bd->err, NULL, NULL, fmt, ap);
    va_end(ap);
    return rc;
}

int cmd_fail_hint(struct bd *bd, const char *hint, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int rc = fail(bd, bd->err, NULL, hint, fmt, ap);
    va_end(ap);
    return rc;
}

int cmd_fail_json_stdout(struct bd *bd, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int rc = fail(bd, bd->out, NULL, NULL, fmt, ap);
    va_end(ap);
    return rc;
}

int cmd_fail_hint_json_stdout(struct bd *bd, const char *hint, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int rc = fail(bd, bd->out, NULL, hint, fmt, ap);
    va_end(ap);
    return rc;
}

int cmd_fail_usage(struct bd *bd, const struct cmd_call *c, const char *fmt, ...) {
    struct buf text = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_add_str(&text, "Error: ");
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    buf_add_char(&text, '\n');
    if (!(cmd_of(c)->cls & CMD_NO_USAGE)) {
        cmd_usage(&text, c);
        buf_add_char(&text, '\n');
    }
    put(bd, bd->err, &text);
    buf_release(&text);
    return 1;
}

void cmd_warn(struct bd *bd, const char *fmt, ...) {
    struct buf text = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_add_str(&text, "Warning: ");
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    buf_add_char(&text, '\n');
    put(bd, bd->err, &text);
    buf_release(&text);
}
