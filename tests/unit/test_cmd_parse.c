/* The command line is read as upstream's libraries read it, with their error texts. */
#include "bd/cmd/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int nothing(struct bd *bd, const struct cmd_call *call) {
    (void)bd, (void)call;
    return 0;
}

static const struct cmd_flag item_flags[] = {
    {.name = "limit", .shorthand = 'n', .kind = FLAG_INT, .default_text = "50"},
    {.name = "all", .shorthand = 'a', .kind = FLAG_BOOL},
    {.name = "tree", .kind = FLAG_BOOL, .default_text = "true"},
    {.name = "label", .shorthand = 'l', .kind = FLAG_STRINGS},
    {.name = "id", .kind = FLAG_ARRAY},
    {.name = "ratio", .kind = FLAG_FLOAT},
    {.name = "wait", .kind = FLAG_DURATION},
    {.name = "color", .kind = FLAG_STRING, .no_value = "always"},
    {.name = "format", .kind = FLAG_STRING},
    {.name = "need", .kind = FLAG_STRING, .required = true},
    {0},
};
static const struct cmd item = {.name = "list",
                                .use = "list",
                                .flags = item_flags,
                                .args_max = -1,
                                .run = nothing,
                                .aliases = (const char *const[]){"ls", NULL},
                                .exclusive = (const char *const[]){"all limit", NULL}};
static const struct cmd exact = {
    .name = "set", .use = "set K V", .args_min = 2, .args_max = 2, .run = nothing};
static const struct cmd range = {
    .name = "range", .use = "range", .args_min = 1, .args_max = 3, .run = nothing};
static const struct cmd raw = {
    .name = "mail", .use = "mail", .args_max = -1, .cls = CMD_RAW_ARGS, .run = nothing};
static const struct cmd group = {
    .name = "dep", .use = "dep", .children = (const struct cmd *const[]){&item, &exact, &range, NULL}};
static const struct cmd top = {.name = "bd",
                               .use = "bd",
                               .children = (const struct cmd *const[]){&item, &group, &raw, NULL},
                               .run = nothing};

static struct arena arena;
static struct cmd_call call;
static struct err error;

#define PARSE(...)                                                                                     \
    parse((const char *[]){"bd", __VA_ARGS__},                                                         \
          (int)(sizeof(const char *[]){"bd", __VA_ARGS__} / sizeof(char *)))

static int parse(const char **words, int count) {
    err_clear(&error);
    arena_reset(&arena);
    return cmd_parse(&arena, &top, count, (char **)words, &call, &error);
}

static void flags_and_arguments_may_be_mixed(void **state) {
    (void)state;
    assert_int_equal(PARSE("--json", "list", "a", "-n5", "b", "--all", "--", "--c", "-d"), BD_OK);
    assert_ptr_equal(cmd_of(&call), &item);
    assert_string_equal(cmd_path(&call), "bd list");
    assert_int_equal(cmd_int(&call, "limit"), 5);
    assert_true(cmd_bool(&call, "all") && cmd_bool(&call, "json") && cmd_bool(&call, "tree"));
    assert_false(cmd_given(&call, "tree"));
    assert_int_equal(cmd_arg_count(&call), 4);
    assert_string_equal(cmd_arg(&call, 2), "--c");
    assert_null(cmd_arg(&call, 4));
}

static void a_command_is_found_behind_flags_with_values(void **state) {
    (void)state;
    assert_int_equal(PARSE("--db", "list", "dep", "-C", "set", "ls", "x"), BD_OK);
    assert_string_equal(cmd_path(&call), "bd dep list");
    assert_string_equal(cmd_str(&call, "db"), "list");
    assert_string_equal(cmd_str(&call, "directory"), "set");
    assert_int_equal(cmd_arg_count(&call), 1);
}

static void bundled_letters_and_attached_values(void **state) {
    (void)state;
    assert_int_equal(PARSE("list", "-avn=7", "-qlx,y"), BD_OK);
    assert_int_equal(cmd_int(&call, "limit"), 7);
    assert_true(cmd_bool(&call, "all") && cmd_bool(&call, "verbose") && cmd_bool(&call, "quiet"));
    size_t n;
    const char *const *labels = cmd_list(&call, "label", &n);
    assert_int_equal(n, 2);
    assert_string_equal(labels[1], "y");
    assert_null(labels[2]);
    assert_int_equal(PARSE("list", "-n", "-1"), BD_OK);
    assert_int_equal(cmd_int(&call, "limit"), -1);
    assert_int_equal(PARSE("list", "-"), BD_OK);
    assert_string_equal(cmd_arg(&call, 0), "-");
}

static void slices_split_like_csv_and_arrays_do_not(void **state) {
    (void)state;
    size_t n;
    assert_int_equal(
        PARSE("list", "-l", "a,\"b,\"\"c\"", "--label=d", "--label=", "--id", "x,y", "--id=z"), BD_OK);
    const char *const *v = cmd_list(&call, "label", &n);
    assert_int_equal(n, 3);
    assert_string_equal(v[1], "b,\"c");
    assert_string_equal(v[2], "d");
    v = cmd_list(&call, "id", &n);
    assert_int_equal(n, 2);
    assert_string_equal(v[0], "x,y");
    assert_int_equal(PARSE("list", "-l", "a\"b"), BD_INVALID);
    assert_string_equal(error.msg,
                        "invalid argument \"a\\\"b\" for \"-l, --label\" flag: parse error on line 1, "
                        "column 2: bare \" in non-quoted field");
}

static void booleans_take_a_value_only_behind_an_equals_sign(void **state) {
    (void)state;
    assert_int_equal(PARSE("list", "--tree=false", "--all", "false"), BD_OK);
    assert_false(cmd_bool(&call, "tree"));
    assert_true(cmd_bool(&call, "all") && cmd_given(&call, "tree"));
    assert_int_equal(cmd_arg_count(&call), 1);
    assert_int_equal(PARSE("list", "--color", "x"), BD_OK);
    assert_string_equal(cmd_str(&call, "color"), "always");
    assert_int_equal(PARSE("list", "--all=maybe"), BD_INVALID);
    assert_string_equal(error.msg,
                        "invalid argument \"maybe\" for \"-a, --all\" flag: strconv.ParseBool: parsing "
                        "\"maybe\": invalid syntax");
}

static void numbers_follow_go(void **state) {
    (void)state;
    assert_int_equal(PARSE("list", "-n", "0x1f"), BD_OK);
    assert_int_equal(cmd_int(&call, "limit"), 31);
    assert_int_equal(PARSE("list", "-n", "abc"), BD_INVALID);
    assert_string_equal(error.msg,
                        "invalid argument \"abc\" for \"-n, --limit\" flag: strconv.ParseInt: parsing "
                        "\"abc\": invalid syntax");
    assert_int_equal(PARSE("list", "-n", "9223372036854775808"), BD_INVALID);
    assert_non_null(strstr(error.msg, "value out of range"));
    assert_int_equal(PARSE("list", "--ratio", "0.25"), BD_OK);
    assert_true(cmd_float(&call, "ratio") == 0.25);
    assert_int_equal(PARSE("list", "--ratio", "x"), BD_INVALID);
    assert_int_equal(PARSE("list", "--wait", "1h30m1.5s"), BD_OK);
    assert_true(cmd_duration(&call, "wait") == INT64_C(5401500000000));
    assert_int_equal(PARSE("list", "--wait", "5"), BD_INVALID);
    assert_string_equal(
        error.msg, "invalid argument \"5\" for \"--wait\" flag: time: missing unit in duration \"5\"");
}

static void what_is_unknown_is_named(void **state) {
    (void)state;
    assert_int_equal(PARSE("list", "--nope=1"), BD_INVALID);
    assert_string_equal(error.msg, "unknown flag: --nope");
    assert_int_equal(PARSE("list", "-aZq"), BD_INVALID);
    assert_string_equal(error.msg, "unknown shorthand flag: 'Z' in -Zq");
    assert_int_equal(PARSE("list", "--limit"), BD_INVALID);
    assert_string_equal(error.msg, "flag needs an argument: --limit");
    assert_int_equal(PARSE("list", "-an"), BD_INVALID);
    assert_string_equal(error.msg, "flag needs an argument: 'n' in -n");
    assert_int_equal(PARSE("list", "--=x"), BD_INVALID);
    assert_string_equal(error.msg, "bad flag syntax: --=x");
}

static void argument_counts_are_checked(void **state) {
    (void)state;
    PARSE("dep", "set", "a");
    assert_int_equal(cmd_check_args(&call, &error), BD_INVALID);
    assert_string_equal(error.msg, "accepts 2 arg(s), received 1");
    PARSE("dep", "range");
    assert_int_equal(cmd_check_args(&call, &error), BD_INVALID);
    assert_string_equal(error.msg, "accepts between 1 and 3 arg(s), received 0");
    PARSE("dep", "range", "x");
    assert_int_equal(cmd_check_args(&call, &error), BD_OK);
}

static void required_and_exclusive_flags_are_checked(void **state) {
    (void)state;
    PARSE("list");
    assert_int_equal(cmd_check_flags(&call, &error), BD_INVALID);
    assert_string_equal(error.msg, "required flag(s) \"need\" not set");
    PARSE("list", "--need", "x", "-n1", "-a");
    assert_int_equal(cmd_check_flags(&call, &error), BD_INVALID);
    assert_string_equal(error.msg,
                        "if any flags in the group [all limit] are set none of the others can be; "
                        "[all limit] were all set");
    PARSE("list", "--need=", "-a");
    assert_int_equal(cmd_check_flags(&call, &error), BD_OK);
}

static void help_is_a_flag_of_every_command(void **state) {
    (void)state;
    assert_int_equal(PARSE("dep", "list", "-h"), BD_OK);
    assert_true(call.help);
    struct buf text = BUF_INIT;
    cmd_help(&text, &call);
    assert_non_null(strstr(text.data, "Usage:\n  bd dep list [flags]\n\nAliases:\n  list, ls\n"));
    assert_non_null(strstr(text.data, "  -n, --limit int      "));
    assert_non_null(strstr(text.data, "(default 50)"));
    assert_non_null(strstr(text.data, "\nGlobal Flags:\n"));
    buf_release(&text);
}

static void raw_commands_get_every_word(void **state) {
    (void)state;
    assert_int_equal(PARSE("mail", "--json", "-h"), BD_OK);
    assert_int_equal(cmd_arg_count(&call), 2);
    assert_false(call.help || cmd_bool(&call, "json"));
}

static void near_names_are_suggested(void **state) {
    (void)state;
    const char **names;
    assert_int_equal(cmd_suggest(&arena, &top, "lst", &names), 1);
    assert_string_equal(names[0], "list");
    assert_int_equal(cmd_suggest(&arena, &top, "d", &names), 1);
    assert_int_equal(cmd_suggest(&arena, &top, "quantum", &names), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_arguments_may_be_mixed),
        cmocka_unit_test(a_command_is_found_behind_flags_with_values),
        cmocka_unit_test(bundled_letters_and_attached_values),
        cmocka_unit_test(slices_split_like_csv_and_arrays_do_not),
        cmocka_unit_test(booleans_take_a_value_only_behind_an_equals_sign),
        cmocka_unit_test(numbers_follow_go),
        cmocka_unit_test(what_is_unknown_is_named),
        cmocka_unit_test(argument_counts_are_checked),
        cmocka_unit_test(required_and_exclusive_flags_are_checked),
        cmocka_unit_test(help_is_a_flag_of_every_command),
        cmocka_unit_test(raw_commands_get_every_word),
        cmocka_unit_test(near_names_are_suggested),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
