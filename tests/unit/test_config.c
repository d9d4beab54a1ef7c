/* Settings: precedence of files, environment and defaults; changing config.yaml without losing its
 * comments. */
#include "bd/workspace/config.h"

#include "base/os.h"
#include "tests/unit/scratch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char home[270];
static struct arena arena;
static struct config config;

static void write_text(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(os_write_file_atomic(path, text, strlen(text), 0600), 0);
}

static void expect_text(const char *name, const char *text) {
    char path[512], *data;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(os_read_file(path, 100000, &data, &size), 0);
    assert_string_equal(data, text);
    free(data);
}

static void reload(void) {
    config_release(&config);
    config_init(&config, &arena, scratch);
}

static int set_up(void **state) {
    if (scratch_setup(state))
        return -1;
    snprintf(home, sizeof home, "%s/home", scratch);
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    char path[300];
    snprintf(path, sizeof path, "%s/.config/bd", home);
    return os_mkdir_p(path, 0700);
}

static int tear_down(void **state) {
    config_release(&config);
    arena_release(&arena);
    return scratch_teardown(state);
}

static void later_files_and_the_environment_win(void **state) {
    (void)state;
    write_text("home/.config/bd/config.yaml",
               "actor: from-user\nexport:\n  path: user.jsonl\n  interval: 5s\n");
    write_text("config.yaml", "export:\n  path: project.jsonl\nexport.auto: true\nJSON: true\n");
    write_text("config.local.yaml", "export.interval: 7s\n");
    reload();
    assert_string_equal(config_get(&config, "actor"), "from-user");
    assert_string_equal(config_get(&config, "export.path"), "project.jsonl");
    assert_string_equal(config_get(&config, "export.interval"), "7s");
    assert_true(config_bool(&config, "export.auto") && config_bool(&config, "json"));
    assert_int_equal(config_source_of(&config, "export.path"), CONFIG_FILE);
    setenv("BD_EXPORT_PATH", "env.jsonl", 1);
    assert_string_equal(config_get(&config, "export.path"), "env.jsonl");
    assert_int_equal(config_source_of(&config, "export.path"), CONFIG_ENVIRONMENT);
    setenv("BD_EXPORT_PATH", "", 1);
    assert_string_equal(config_get(&config, "export.path"), "project.jsonl");
    unsetenv("BD_EXPORT_PATH");
    assert_string_equal(config_get(&config, "routing.maintainer"), ".");
    assert_int_equal(config_source_of(&config, "routing.maintainer"), CONFIG_DEFAULT);
    assert_null(config_get(&config, "no.such.key"));
    assert_int_equal(config_int(&config, "output.title-length", 1), 255);
    assert_null(config_warning(&config));
}

static void lists_are_joined_and_nulls_are_unset(void **state) {
    (void)state;
    write_text("config.yaml",
               "types:\n  custom: [a, \"b c\"]\nrepos:\n  additional:\n    - x\n    - y\nactor:\n"
               "issue-prefix: ~\n");
    write_text("home/.config/bd/config.yaml", "");
    reload();
    assert_string_equal(config_get(&config, "types.custom"), "a,b c");
    assert_string_equal(config_get(&config, "repos.additional"), "x,y");
    assert_string_equal(config_get(&config, "actor"), "");
    assert_string_equal(config_get(&config, "issue-prefix"), "");
}

static void a_malformed_file_is_a_warning(void **state) {
    (void)state;
    write_text("config.yaml", "not: [valid\n");
    reload();
    assert_non_null(strstr(config_warning(&config), "failed to initialize config"));
    assert_string_equal(config_get(&config, "export.path"), "issues.jsonl");
    write_text("config.yaml", "just text\n");
    reload();
    assert_non_null(config_warning(&config));
}

static void setting_a_key_keeps_the_rest_of_the_file(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    write_text("config.yaml", "# head\n# export.auto: false\n#   a comment\n\nactor: me # who\n");
    assert_int_equal(config_file_set(scratch, "export.auto", "TRUE", &err), BD_OK);
    expect_text("config.yaml", "# head\nexport.auto: true\n#   a comment\n\nactor: me # who\n");
    assert_int_equal(config_file_set(scratch, "actor", "a \"b\"", &err), BD_OK);
    assert_int_equal(config_file_set(scratch, "export.interval", "90s", &err), BD_OK);
    assert_int_equal(config_file_set(scratch, "ai.model", "-1.5", &err), BD_OK);
    expect_text(
        "config.yaml",
        "# head\nexport.auto: true\n#   a comment\n\nactor: \"a \\\"b\\\"\"\n\nexport.interval: 90s\n"
        "\nai.model: -1.5\n");
    assert_int_equal(config_file_unset(scratch, "actor", &err), BD_OK);
    assert_int_equal(config_file_unset(scratch, "nothing.here", &err), BD_OK);
    write_text("config.local.yaml", "");
    expect_text(
        "config.yaml",
        "# head\nexport.auto: true\n#   a comment\n\n# actor: \"a \\\"b\\\"\"\n\nexport.interval: 90s\n"
        "\nai.model: -1.5\n");
    reload();
    assert_string_equal(config_get(&config, "export.interval"), "90s");
}

static void the_line_in_use_is_changed_not_the_commented_one(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    write_text("config.yaml", "# json: true\njson: false\njson: false");
    assert_int_equal(config_file_set(scratch, "json", "true", &err), BD_OK);
    expect_text("config.yaml", "# json: true\njson: true\n# json: false\n");
}

static void impossible_values_are_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    write_text("config.yaml", "");
    assert_int_equal(config_file_set(scratch, "hierarchy.max-depth", "0", &err), BD_INVALID);
    assert_string_equal(err.msg, "hierarchy.max-depth must be at least 1, got 0");
    assert_int_equal(config_file_set(scratch, "dolt.mode", "x", &err), BD_INVALID);
    assert_string_equal(err.msg, "dolt.mode must be \"server\" or \"embedded\", got \"x\"");
    assert_int_equal(config_file_set("/nonexistent", "json", "true", &err), BD_NOT_FOUND);
    assert_string_equal(err.msg, "no .beads/config.yaml found (run 'bd init' first)");
}

static void an_env_file_never_overrides(void **state) {
    (void)state;
    char path[300];
    write_text(".env", "# c\nexport BDT_A=\"x\\ny\" # c\nBDT_B = plain # c\nBDT_C='a "
                       "b'\nBDT_D=file\nBEADS_DB=/x\nbad-name=1\n");
    snprintf(path, sizeof path, "%s/.env", scratch);
    setenv("BDT_D", "mine", 1);
    unsetenv("BEADS_DB");
    assert_true(config_load_env_file(path, true));
    assert_null(getenv("BDT_A"));
    assert_string_equal(getenv("BEADS_DB"), "/x");
    unsetenv("BEADS_DB");
    assert_true(config_load_env_file(path, false));
    assert_string_equal(getenv("BDT_A"), "x\ny");
    assert_string_equal(getenv("BDT_B"), "plain");
    assert_string_equal(getenv("BDT_C"), "a b");
    assert_string_equal(getenv("BDT_D"), "mine");
    unsetenv("BEADS_DB");
}

static void keys_live_in_yaml_or_in_the_database(void **state) {
    (void)state;
    assert_true(config_key_is_yaml("export.auto") && config_key_is_yaml("no-db") &&
                config_key_is_yaml("jira.api_token"));
    assert_false(config_key_is_yaml("jira.url") || config_key_is_yaml("status.custom") ||
                 config_key_is_yaml("export"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_files_and_the_environment_win),
        cmocka_unit_test(lists_are_joined_and_nulls_are_unset),
        cmocka_unit_test(a_malformed_file_is_a_warning),
        cmocka_unit_test(setting_a_key_keeps_the_rest_of_the_file),
        cmocka_unit_test(the_line_in_use_is_changed_not_the_commented_one),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(an_env_file_never_overrides),
        cmocka_unit_test(keys_live_in_yaml_or_in_the_database),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
