/* Line differences. */
#include "bd/ui/line_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *from, const char *to, size_t context, const char *text) {
    struct buf b = BUF_INIT;
    line_diff_add(&b, ">", false, from, to, context);
    assert_string_equal(buf_str(&b), text);
    buf_release(&b);
}

static void changed_lines_stand_with_their_neighbours(void **state) {
    (void)state;
    expect("a\nb\nc\nd\ne", "a\nb\nX\nd\ne", 1, ">  …\n>  b\n>- c\n>+ X\n>  d\n>  …\n");
    expect("a\nb", "a\nb\nc", 0, ">  …\n>+ c\n");
    expect("", "x\ny", 2, ">+ x\n>+ y\n");
    expect("x", "", 2, ">- x\n");
    expect("same\n", "same", 1, ">  …\n");
}

static void moved_lines_are_found(void **state) {
    (void)state;
    expect("a\nb\nc\nd", "b\nc\nd\na", 3, ">- a\n>  b\n>  c\n>  d\n>+ a\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_lines_stand_with_their_neighbours),
        cmocka_unit_test(moved_lines_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
