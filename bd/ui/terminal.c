/* Only sequences that end in m (colours, bold …) are let through, whole ones. */
#include "bd/ui/terminal.h"

#include "base/os.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPE '\033'
#define C1_LEAD                                                                                        \
    0xc2u /* the first byte in UTF-8 of U+0080 to U+00BF, of which the first half are controls */

static bool is_control(unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; }

static void begin_text(struct terminal_filter *f, char c, struct buf *out) {
    unsigned char u = (unsigned char)c;
    f->state = TERMINAL_TEXT;
    if (c == ESCAPE)
        f->state = TERMINAL_ESCAPE;
    else if (u == C1_LEAD)
        f->state = TERMINAL_LEAD;
    else if (!is_control(u))
        buf_add_char(out, c);
}

/* The byte behind an escape says what follows. */
static void begin_sequence(struct terminal_filter *f, char c) {
    f->length = 0;
    f->ending = false;
    f->state = c == '['                  ? TERMINAL_CONTROL
               : c && strchr("]PX^_", c) ? TERMINAL_STRING
               : c == ESCAPE             ? TERMINAL_ESCAPE
                                         : TERMINAL_TEXT;
}

static void go_on_with_sequence(struct terminal_filter *f, char c, struct buf *out) {
    unsigned char u = (unsigned char)c;
    if (u >= 0x20 && u <= 0x3f) { /* parameters */
        if (f->length < TERMINAL_SEQUENCE_MAX)
            f->sequence[f->length] = c;
        f->length++;
        return;
    }
    f->state = TERMINAL_TEXT;
    if (c == 'm' && f->length <= TERMINAL_SEQUENCE_MAX) {
        buf_add_str(out, "\033[");
        buf_add(out, f->sequence, f->length);
        buf_add_char(out, 'm');
    } else if (u < 0x40 || u > 0x7e) { /* it was none */
        begin_text(f, c, out);
    }
}

/* Up to BEL or ESC \; a line feed ends it too, so that nobody can hide the rest of the output. */
static void go_on_with_string(struct terminal_filter *f, char c, struct buf *out) {
    if (c == '\n')
        begin_text(f, c, out);
    else if (c == '\a' || (f->ending && c == '\\'))
        f->state = TERMINAL_TEXT;
    f->ending = c == ESCAPE;
}

void terminal_filter_add(struct terminal_filter *f, const char *bytes, size_t size, struct buf *out) {
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        unsigned char u = (unsigned char)c;
        switch (f->state) {
        case TERMINAL_TEXT: begin_text(f, c, out); break;
        case TERMINAL_ESCAPE: begin_sequence(f, c); break;
        case TERMINAL_CONTROL: go_on_with_sequence(f, c, out); break;
        case TERMINAL_STRING: go_on_with_string(f, c, out); break;
        case TERMINAL_LEAD:
            if (u >= 0xa0) {
                buf_add_char(out, (char)C1_LEAD);
                buf_add_char(out, c);
                f->state = TERMINAL_TEXT;
            } else if (u < 0x80) {
                begin_text(f, c, out);
            } else {
                f->state = TERMINAL_TEXT;
            }
            break;
        }
    }
}

#ifdef __GLIBC__
struct stream {
    int fd;
    struct terminal_filter filter;
};

static ssize_t write_filtered(void *cookie, const char *bytes, size_t size) {
    struct stream *s = cookie;
    struct buf out = BUF_INIT;
    terminal_filter_add(&s->filter, bytes, size, &out);
    bool failed = os_write_all(s->fd, out.data, out.size) < 0;
    buf_release(&out);
    return failed ? 0 : (ssize_t)size;
}

static int close_stream(void *cookie) {
    free(cookie);
    return 0;
}

FILE *terminal_stream(int fd) {
    struct stream *s = mem_zalloc(1, sizeof *s);
    s->fd = fd;
    FILE *f =
        fopencookie(s, "w", (cookie_io_functions_t){.write = write_filtered, .close = close_stream});
    if (f)
        setvbuf(f, NULL, _IOLBF, BUFSIZ);
    else
        free(s);
    return f;
}
#else
FILE *terminal_stream(int fd) {
    (void)fd;
    return NULL;
}
#endif
