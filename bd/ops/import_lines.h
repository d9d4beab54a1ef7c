/* Lines of an export into records, on all processors. Private to import_data*.c. */
#ifndef BD_OPS_IMPORT_LINES_H
#define BD_OPS_IMPORT_LINES_H

#include "bd/ops/issue_record.h"

#define IMPORT_LINE_MAX ((size_t)64 << 20) /* bytes */

/* One line of the text. */
struct import_line {
    char *text; /* writable, NUL-terminated at text[size]; changed when it is read */
    size_t size;
    uint32_t crc; /* of the text as it was */
};

/*
 * Fills records[i] and lines[i].crc. What the records have beside the lines is in `a`. *failed is the
 * line that could not be read (the first of them), for whatever is returned but BD_OK.
 */
int import_lines_parse(struct import_line *lines, size_t count, struct record *records, struct arena *a,
                       size_t *failed, struct err *err);

#endif
