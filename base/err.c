/* Messages are built whole in the fixed room of the error value: reporting an error needs no memory. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_va(struct err *e, int code, const char *fmt, va_list ap) {
    if (!e)
        return;
    e->code = code;
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
}

int err_set(struct err *e, int code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    set_va(e, code, fmt, ap);
    va_end(ap);
    return code;
}

static int code_of_errno(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT: return BD_NO_SPACE;
    case ENOENT:
    case ENOTDIR: return BD_NOT_FOUND;
    case EEXIST: return BD_EXISTS;
    case EROFS: return BD_READ_ONLY;
    default: return BD_IO;
    }
}

int err_errno(struct err *e, const char *fmt, ...) {
    int number = errno;
    int code = code_of_errno(number);
    va_list ap;
    va_start(ap, fmt);
    set_va(e, code, fmt, ap);
    va_end(ap);
    if (e) {
        size_t used = strlen(e->msg);
        snprintf(e->msg + used, sizeof e->msg - used, ": %s", strerror(number));
    }
    errno = number;
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...) {
    if (!e)
        return BD_INVALID;
    char head[ERR_MESSAGE_MAX], tail[ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    memcpy(tail, e->msg, sizeof tail);
    size_t head_size = strlen(head), tail_size = strlen(tail);
    size_t room = sizeof e->msg - 3;
    if (head_size > room)
        head_size = room;
    if (tail_size > room - head_size)
        tail_size = room - head_size;
    memcpy(e->msg, head, head_size);
    memcpy(e->msg + head_size, ": ", 2);
    memcpy(e->msg + head_size + 2, tail, tail_size);
    e->msg[head_size + 2 + tail_size] = '\0';
    return e->code;
}

void err_clear(struct err *e) {
    if (e) {
        e->code = BD_OK;
        e->msg[0] = '\0';
    }
}

const char *err_name(int code) {
    switch (code) {
    case BD_OK: return "ok";
    case BD_NOT_FOUND: return "not found";
    case BD_EXISTS: return "already exists";
    case BD_INVALID: return "invalid input";
    case BD_IO: return "input/output error";
    case BD_NO_SPACE: return "no space left";
    case BD_CORRUPT: return "corrupt data";
    case BD_BUSY: return "busy";
    case BD_ROOT_MOVED: return "root moved";
    case BD_READ_ONLY: return "read-only";
    case BD_CONSTRAINT: return "constraint violated";
    case BD_UNSUPPORTED: return "not supported";
    case BD_TOO_NEW: return "written by a newer version";
    case BD_CONFLICT: return "conflict";
    case BD_CANCELLED: return "cancelled";
    case BD_DONE: return "no more items";
    default: return "unknown error";
    }
}
