/*
 * Flags that create and update share. Several spellings of one flag may be given as long as they agree.
 */
#include "bd/cmd/issue_flags.h"

#include "base/os.h"
#include "bd/ops/time_parse.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)256 << 20)

const char *const issue_flags_exclusive[] = {
    "stdin body-file",
    "stdin description-file",
    "stdin description",
    "stdin body",
    "stdin message",
    "design design-file",
    NULL,
};

static int read_stdin(struct bd *bd, const char **out, struct err *err) {
    struct buf b = BUF_INIT;
    for (;;) {
        buf_reserve(&b, 65536);
        ssize_t n = read(STDIN_FILENO, b.data + b.size, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || b.size > TEXT_MAX) {
            buf_release(&b);
            return err_errno(err, "failed to read file");
        }
        if (n == 0)
            break;
        b.size += (size_t)n;
        b.data[b.size] = '\0';
    }
    *out = b.size ? arena_strndup(&bd->arena, b.data, b.size) : "";
    buf_release(&b);
    return BD_OK;
}

int text_from(struct bd *bd, const char *path, const char **out, struct err *err) {
    if (strcmp(path, "-") == 0)
        return read_stdin(bd, out, err);
    char *data;
    size_t size;
    if (os_read_file(path, TEXT_MAX, &data, &size) != 0) {
        const char *why = errno == ENOENT   ? "no such file or directory"
                          : errno == EISDIR ? "is a directory"
                          : errno == EACCES ? "permission denied"
                                            : strerror(errno);
        if (errno == EISDIR)
            return err_set(err, BD_IO, "failed to read file: read %s: %s", path, why);
        return err_set(err, BD_IO, "failed to open file: open %s: %s", path, why);
    }
    *out = arena_strndup(&bd->arena, data, size);
    free(data);
    return BD_OK;
}

/* The three spellings of an inline description; all that are given must agree. */
static int inline_description(struct bd *bd, const struct cmd_call *c, const char **out, bool *given) {
    static const char *const names[] = {"description", "body", "message"};
    const char *first = NULL;
    for (size_t i = 0; i < 3; i++) {
        if (!cmd_given(c, names[i]))
            continue;
        const char *value = cmd_str(c, names[i]);
        if (first && strcmp(*out, value) != 0) {
            fprintf(bd->err, "Error: cannot specify both --%s and --%s with different values\n", first,
                    names[i]);
            fprintf(bd->err, "  --%s: %s\n", first, cmd_quote(&bd->arena, *out));
            fprintf(bd->err, "  --%s: %s\n", names[i], cmd_quote(&bd->arena, value));
            return 1;
        }
        if (!first)
            *out = value;
        first = first ? first : names[i];
    }
    *given = first != NULL;
    return 0;
}

int flag_description(struct bd *bd, const struct cmd_call *c, const char **out, bool *given) {
    struct err err = ERR_INIT;
    *out = "";
    *given = true;
    if (cmd_bool(c, "stdin"))
        return text_from(bd, "-", out, &err) == BD_OK ? 0
                                                      : cmd_fail(bd, "reading from stdin: %s", err.msg);
    bool body_file = cmd_given(c, "body-file"), description_file = cmd_given(c, "description-file");
    if (body_file && description_file &&
        strcmp(cmd_str(c, "body-file"), cmd_str(c, "description-file")) != 0)
        return cmd_fail(bd,
                        "cannot specify both --body-file and --description-file with different values");
    bool any_inline = false;
    if (body_file || description_file) {
        if (cmd_given(c, "description") || cmd_given(c, "body") || cmd_given(c, "message"))
            return cmd_fail(bd, "cannot specify both --body-file and --description/--body/--message");
        if (text_from(bd, cmd_str(c, body_file ? "body-file" : "description-file"), out, &err) != BD_OK)
            return cmd_fail(bd, "reading body file: %s", err.msg);
        return 0;
    }
    int rc = inline_description(bd, c, out, &any_inline);
    *given = any_inline;
    if (rc == 0 && any_inline && strcmp(*out, "-") == 0 && text_from(bd, "-", out, &err) != BD_OK)
        rc = cmd_fail(bd, "reading from stdin: %s", err.msg);
    return rc;
}

int flag_design(struct bd *bd, const struct cmd_call *c, const char **out, bool *given) {
    struct err err = ERR_INIT;
    *out = cmd_str(c, "design");
    *given = cmd_given(c, "design") || cmd_given(c, "design-file");
    if (cmd_given(c, "design-file") && text_from(bd, cmd_str(c, "design-file"), out, &err) != BD_OK)
        return cmd_fail(bd, "reading from stdin: %s", err.msg);
    return 0;
}

#define FAIL(...) (on_stdout ? cmd_fail_json_stdout(bd, __VA_ARGS__) : cmd_fail(bd, __VA_ARGS__))

int flag_metadata(struct bd *bd, const struct cmd_call *c, bool on_stdout, const char **out) {
    const char *text = cmd_str(c, "metadata");
    *out = NULL;
    if (!cmd_given(c, "metadata"))
        return 0;
    if (text[0] == '@') {
        struct err err = ERR_INIT;
        const char *path = text + 1;
        if (text_from(bd, path, &text, &err) != BD_OK) {
            const char *why =
                strncmp(err.msg, "failed to open file: ", 21) == 0 ? err.msg + 21 : err.msg;
            return FAIL("failed to read metadata file %s: %s", path, why);
        }
    }
    if (!json_text_is_valid(text))
        return FAIL("invalid JSON in --metadata: must be valid JSON");
    *out = text;
    return 0;
}

int flag_time(struct bd *bd, const struct cmd_call *c, const char *flag, bool on_stdout, int64_t *out) {
    const char *text = cmd_str(c, flag);
    *out = ISSUE_NO_TIME;
    if (!*text || time_parse(text, datetime_now(), out, NULL) == BD_OK)
        return 0;
    return FAIL("invalid --%s format %s. Examples: %s, tomorrow, next monday, 2025-01-15", flag,
                cmd_quote(&bd->arena, text), strcmp(flag, "due") == 0 ? "+6h" : "+1h");
}

void warn_past_defer(struct bd *bd, const char *flag, int64_t micros) {
    struct buf when = BUF_INIT;
    issue_text_minute(&when, micros, true);
    fprintf(bd->err,
            "%s Defer date \"%s\" is in the past. Issue will appear in bd ready immediately.\n",
            ink_text(&bd->arena, bd->color, INK_WARN, "!"), buf_str(&when));
    fprintf(bd->err, "  Did you mean a future date? Use --%s=+1h or --%s=tomorrow\n", flag, flag);
    buf_release(&when);
}
