/*
 * JSON as Dolt stores it: normalised text (format-values §5.6), and small questions on it that need no
 * tree of objects in memory.
 */
#ifndef STORE_VALUE_JSON_H
#define STORE_VALUE_JSON_H

#include "base/err.h"
#include "base/mem.h"

/* Normalises any JSON text: keys sorted, no white space, numbers and escapes as Go prints them. */
int json_normalize(const char *text, size_t size, struct buf *out, struct err *err);

#endif
