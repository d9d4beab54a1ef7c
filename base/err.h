/*
 * Status codes and the one error value of the program.
 *
 * Every function that can fail returns a code from enum bd_status: BD_OK (0), or a negative number.
 * Functions that can say more also fill a `struct err`, whose message is complete for a person: what
 * failed, on what, and what to do next. Nobody below bd/cmd prints.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum bd_status {
    BD_OK = 0,
    BD_NOT_FOUND = -1,    /* the thing asked for does not exist; nothing changed */
    BD_EXISTS = -2,       /* it exists already; nothing changed */
    BD_INVALID = -3,      /* the caller's input is wrong; nothing changed */
    BD_IO = -4,           /* the operating system refused; errno text is in the message */
    BD_NO_SPACE = -5,     /* ENOSPC or EDQUOT; nothing acknowledged was lost */
    BD_CORRUPT = -6,      /* stored bytes contradict the format; nothing changed */
    BD_BUSY = -7,         /* a lock could not be had within its time; try again */
    BD_ROOT_MOVED = -8,   /* compare-and-swap lost: re-read and re-run */
    BD_READ_ONLY = -9,    /* the store or the session does not take writes */
    BD_CONSTRAINT = -10,  /* a NOT NULL, unique, check or foreign-key rule refused the row */
    BD_UNSUPPORTED = -11, /* valid, but not built (the message says so) */
    BD_TOO_NEW = -12,     /* written by a newer program than this one understands */
    BD_CONFLICT = -13,    /* two changes contradict each other */
    BD_CANCELLED = -14,   /* a signal or the caller's callback ended the work */
    BD_DONE = -15,        /* an iterator has no more items */
};

#define ERR_MESSAGE_MAX 1024

struct err {
    int code; /* enum bd_status */
    char msg[ERR_MESSAGE_MAX];
};

#define ERR_INIT                                                                                       \
    {                                                                                                  \
        0, { 0 }                                                                                       \
    }

/* Fills *e (may be NULL) and returns `code`, so that callers write `return err_set(e, BD_INVALID, …)`.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, choosing BD_NO_SPACE, BD_NOT_FOUND, BD_EXISTS or BD_IO by errno and appending its text.
 */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the message already in *e; returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* Constant English name of a code ("not found"), never NULL. */
const char *err_name(int code);

#endif
