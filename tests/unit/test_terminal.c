/* What a terminal is shown of hostile text, in one piece and byte by byte. */
#include "bd/ui/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct {
    const char *bytes, *shown;
} cases[] = {
    {"plain text, \xc3\xbc \xe2\x82\xac \xf0\x9f\x90\x9b\n\tmore\n",
     "plain text, \xc3\xbc \xe2\x82\xac \xf0\x9f\x90\x9b\n\tmore\n"},
    {"a\033[1;38;5;12mb\033[mc", "a\033[1;38;5;12mb\033[mc"}, /* colours */
    {"a\033[2J\033[Hb\033[1;1Hc\033[?1049hd", "abcd"},        /* clearing, moving, other screens */
    {"a\033]0;title\ab\033]52;c;ZXZpbA==\033\\c", "abc"},     /* window title, clipboard */
    {"a\033]0;no end\nb", "a\nb"},                            /* it cannot hide the next line */
    {"a\033Pq#0\033\\b\033_x\033\\c\033^y\033\\d", "abcd"},   /* other strings */
    {"a\rb\bc\x7f\x01\x0e", "abc"},
    {"a\xc2\x9b"
     "2Jb\xc2\x9d"
     "0;x\xc2\xa0y",
     "a2Jb0;x\xc2\xa0y"}, /* controls of Latin-1; its space */
    {"a\033\033[mb\033cc\033(0d", "a\033[mbc0d"},
    {"a\033[3\nb", "a\nb"},
    {"a\033", "a"},
    {"\xc2\nb", "\nb"},
};

static void only_text_and_colours_get_through(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece <= 1000; piece *= 1000) {
            struct terminal_filter f = TERMINAL_FILTER_INIT;
            struct buf out = BUF_INIT;
            size_t size = strlen(cases[i].bytes);
            for (size_t at = 0; at < size; at += piece)
                terminal_filter_add(&f, cases[i].bytes + at, size - at < piece ? size - at : piece,
                                    &out);
            assert_string_equal(buf_str(&out), cases[i].shown);
            buf_release(&out);
        }
}

static void a_sequence_without_end_is_dropped(void **state) {
    (void)state;
    struct terminal_filter f = TERMINAL_FILTER_INIT;
    struct buf out = BUF_INIT;
    char bytes[1000];
    memset(bytes, '1', sizeof bytes);
    terminal_filter_add(&f, "\033[", 2, &out);
    terminal_filter_add(&f, bytes, sizeof bytes, &out);
    terminal_filter_add(&f, "mx", 2, &out);
    assert_string_equal(buf_str(&out), "x");
    buf_release(&out);
}

static void a_stream_filters_what_is_printed(void **state) {
    (void)state;
    int ends[2];
    char text[100] = "";
    assert_int_equal(pipe(ends), 0);
    FILE *f = terminal_stream(ends[1]);
    if (f) {
        fprintf(f, "one\033]0;t");
        fflush(f);
        fprintf(f, "itle\a two\n");
        assert_int_equal(fclose(f), 0);
        assert_int_equal(read(ends[0], text, sizeof text - 1), 8);
        assert_string_equal(text, "one two\n");
    }
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_text_and_colours_get_through),
        cmocka_unit_test(a_sequence_without_end_is_dropped),
        cmocka_unit_test(a_stream_filters_what_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
