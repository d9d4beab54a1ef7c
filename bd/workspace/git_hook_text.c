/* Putting bd's section into the text of a hook and taking it out again. All texts are in the arena. */
#include "base/version.h"
#include "bd/workspace/git_hooks.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BEGIN_MARK "# --- BEGIN BEADS INTEGRATION"
#define END_MARK "# --- END BEADS INTEGRATION"
#define OLD_VERSION "# bd-hooks-version: "
#define OLD_SHIM "# bd-shim "
#define OLD_INLINE "# bd (beads)"

#define CLEANUPS_MAX 5 /* damaged sections that are removed before one is simply added */

const char *const git_hook_names[GIT_HOOK_COUNT + 1] = {
    "pre-commit", "post-merge", "pre-push", "post-checkout", "prepare-commit-msg", NULL};

/* Exit status 3 of bd means "no database here"; 124 is timeout's, 142 that of a process its alarm
 * ended. */
static const char section_format[] = BEGIN_MARK
    " v" BD_VERSION " ---\n"
    "# Managed by bd: everything between these two lines is replaced on upgrades.\n"
    "if command -v bd >/dev/null 2>&1; then\n"
    "  BD_GIT_HOOK=1; export BD_GIT_HOOK\n"
    "  bd_limit=\"${BEADS_HOOK_TIMEOUT:-300}\"\n"
    "  bd_alarm=\n"
    "  if command -v timeout >/dev/null 2>&1; then\n"
    "    bd_status=0; timeout \"$bd_limit\" bd hooks run %1$s \"$@\" || bd_status=$?\n"
    "  elif command -v gtimeout >/dev/null 2>&1; then\n"
    "    bd_status=0; gtimeout \"$bd_limit\" bd hooks run %1$s \"$@\" || bd_status=$?\n"
    "  elif command -v perl >/dev/null 2>&1; then\n"
    "    bd_alarm=142\n"
    "    bd_status=0; perl -e 'alarm shift; exec @ARGV' \"$bd_limit\" bd hooks run %1$s \"$@\" || "
    "bd_status=$?\n"
    "  else\n"
    "    echo \"beads: no timeout program found; hook '%1$s' runs without a time limit\" >&2\n"
    "    bd_status=0; bd hooks run %1$s \"$@\" || bd_status=$?\n"
    "  fi\n"
    "  case \"$bd_status\" in\n"
    "    0) ;;\n"
    "    3) echo \"beads: database not initialized, hook '%1$s' skipped\" >&2 ;;\n"
    "    124|\"$bd_alarm\") echo \"beads: hook '%1$s' timed out after ${bd_limit}s, continuing without "
    "beads\" >&2 ;;\n"
    "    *) exit \"$bd_status\" ;;\n"
    "  esac\n"
    "fi\n" END_MARK " v" BD_VERSION " ---\n";

const char *git_hook_section(const char *hook, struct arena *a) {
    struct buf out = BUF_INIT;
    for (const char *p = section_format; *p;) {
        if (strncmp(p, "%1$s", 4) == 0) {
            buf_add_str(&out, hook);
            p += 4;
        } else {
            buf_add_char(&out, *p++);
        }
    }
    const char *text = arena_strdup(a, buf_str(&out));
    buf_release(&out);
    return text;
}

/* ---- lines ---- */

static const char *line_start(const char *text, const char *at) {
    while (at > text && at[-1] != '\n')
        at--;
    return at;
}

/* Behind the line feed of the line that `at` is in. */
static const char *line_end(const char *at) {
    at += strcspn(at, "\n");
    return *at ? at + 1 : at;
}

static const char *cut(const char *text, const char *from, const char *to, struct arena *a) {
    return arena_printf(a, "%.*s%s", (int)(from - text), text, to);
}

/* A line without white space at its ends. */
struct line {
    const char *start, *text;
    size_t size;
    bool indented;
};

static struct line line_at(const char *start, const char *limit) {
    const char *end = start + strcspn(start, "\n"), *text = start;
    if (end > limit)
        end = limit;
    while (text < end && isspace((unsigned char)*text))
        text++;
    const char *stop = end;
    while (stop > text && isspace((unsigned char)stop[-1]))
        stop--;
    return (struct line){start, text, (size_t)(stop - text), text > start || stop < end};
}

static bool is_word(const struct line *l, const char *word) {
    return l->size == strlen(word) && memcmp(l->text, word, l->size) == 0;
}

static bool begins(const struct line *l, const char *prefix) {
    size_t n = strlen(prefix);
    return l->size >= n && memcmp(l->text, prefix, n) == 0;
}

/* ---- a final exec ---- */

static bool is_exec(const struct line *l) {
    return is_word(l, "exec") || begins(l, "exec ") || begins(l, "exec\t");
}

/* What may stand behind the exec of the last branch without anything being run after it. */
static bool ends_nothing(const struct line *l) {
    static const char *const words[] = {"fi", "else", "done", "esac", "}", ";;"};
    static const char *const starts[] = {"#", "elif ", "else ", "exit", "echo ", "echo\t"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(l, words[i]))
            return true;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (begins(l, starts[i]))
            return true;
    return l->size == 0;
}

/*
 * Where a section must stand to be reached, when the hook ends with `exec …` (which never returns):
 * before that line, or before the `if` around it. NULL: at the end.
 */
static const char *before_exec(const char *text) {
    const char *limit = text + strlen(text);
    while (limit > text && limit[-1] == '\n')
        limit--;
    const char *at = line_start(text, limit);
    struct line l;
    for (;; at = line_start(text, at - 1)) {
        l = line_at(at, limit);
        if (is_exec(&l))
            break;
        if (!ends_nothing(&l) || at == text)
            return NULL;
    }
    const char *target = at;
    while (at > text) {
        at = line_start(text, at - 1);
        l = line_at(at, limit);
        bool inside = l.size == 0 || *l.text == '#' || begins(&l, "elif ") || begins(&l, "else ") ||
                      is_word(&l, "else") || is_word(&l, "then") || l.indented;
        if (inside)
            continue;
        return begins(&l, "if ") ? at : target;
    }
    return target;
}

/* ---- markers ---- */

/* A begin marker without its end: to the next empty line, marker or the end of the text. */
static const char *without_open_block(const char *text, const char *begin, struct arena *a) {
    const char *end = line_end(begin), *stop = text + strlen(text);
    while (*end) {
        struct line l = line_at(end, stop);
        const char *next = line_end(end), *mark = strstr(end, BEGIN_MARK);
        if (l.size == 0) {
            end = next;
            break;
        }
        if (mark && mark < next)
            break;
        end = next;
    }
    return cut(text, line_start(text, begin), end, a);
}

static const char *without_line(const char *text, const char *at, struct arena *a) {
    return cut(text, line_start(text, at), line_end(at), a);
}

static const char *append_section(const char *text, const char *section, struct arena *a) {
    size_t n = strlen(text);
    return arena_printf(a, "%s%s\n%s", text, n && text[n - 1] == '\n' ? "" : "\n", section);
}

const char *git_hook_with_section(const char *text, const char *section, struct arena *a) {
    for (int i = 0; i <= CLEANUPS_MAX; i++) {
        const char *begin = strstr(text, BEGIN_MARK), *end = strstr(text, END_MARK);
        if (begin && end && begin < end)
            return arena_printf(a, "%.*s%s%s", (int)(line_start(text, begin) - text), text, section,
                                line_end(end));
        if (begin) {
            text = without_open_block(text, begin, a);
        } else if (end) {
            text = without_line(text, end, a);
        } else {
            const char *at = before_exec(text);
            return at ? arena_printf(a, "%.*s%s\n%s", (int)(at - text), text, section, at)
                      : append_section(text, section, a);
        }
    }
    return append_section(text, section, a);
}

const char *git_hook_without_section(const char *text, bool *found, struct arena *a) {
    const char *begin = strstr(text, BEGIN_MARK), *end = strstr(text, END_MARK);
    if (found)
        *found = begin || end;
    if (!begin && !end)
        return text;
    if (begin && end && begin < end) {
        const char *start = line_start(text, begin);
        if (start - text >= 2 && start[-1] == '\n' && start[-2] == '\n')
            start--; /* the empty line that came with the section */
        return cut(text, start, line_end(end), a);
    }
    if (begin)
        text = without_open_block(text, begin, a);
    if ((end = strstr(text, END_MARK)))
        text = without_line(text, end, a);
    size_t n = strlen(text);
    while (n >= 3 && strcmp(text + n - 3, "\n\n\n") == 0)
        text = arena_strndup(a, text, --n);
    return text;
}

/* ---- what a text is ---- */

static const char *rest_of_line(const char *at, struct arena *a) {
    struct line l = line_at(at, at + strcspn(at, "\n"));
    return arena_strndup(a, l.text, l.size);
}

void git_hook_classify(const char *text, struct arena *a, struct git_hook *out) {
    out->version = "";
    out->is_bd = out->is_shim = out->outdated = false;
    for (const char *p = text; *p; p = line_end(p)) {
        if (strncmp(p, BEGIN_MARK, sizeof BEGIN_MARK - 1) == 0) {
            const char *v = rest_of_line(p + sizeof BEGIN_MARK - 1, a);
            v += *v == 'v';
            out->version = arena_strndup(a, v, strcspn(v, " \t-"));
            out->is_bd = out->is_shim = true;
            return;
        }
        if (strncmp(p, OLD_SHIM, sizeof OLD_SHIM - 1) == 0) {
            out->version = rest_of_line(p + sizeof OLD_SHIM - 1, a);
            out->is_bd = out->is_shim = true;
            return;
        }
        if (strncmp(p, OLD_VERSION, sizeof OLD_VERSION - 1) == 0) {
            out->version = rest_of_line(p + sizeof OLD_VERSION - 1, a);
            out->is_bd = true;
            out->outdated = strcmp(out->version, BD_VERSION) != 0;
            return;
        }
    }
    out->is_bd = out->outdated = strstr(text, OLD_INLINE) != NULL;
}

/* ---- husky ---- */

/* `. "$(dirname "$0")/_/husky.sh"` (version 8) or `. "$(dirname "$0")/h"` (version 9). */
static bool sources_husky(const struct line *l, struct arena *a) {
    if (!begins(l, ". ") && !begins(l, "source "))
        return false;
    const char *text = arena_strndup(a, l->text, l->size);
    size_t n = l->size;
    if (strstr(text, "/_/husky.sh") || strstr(text, "\\_\\husky.sh"))
        return true;
    return strstr(text, "dirname") &&
           (strcmp(text + n - 2, "/h") == 0 || strcmp(text + n - 3, "/h\"") == 0 ||
            strcmp(text + n - 3, "/h'") == 0);
}

const char *git_hook_without_husky(const char *text, struct arena *a) {
    static const char path_line[] = "export PATH=\"$PWD/node_modules/.bin:$PATH\"\n";
    struct buf out = BUF_INIT;
    bool sourced = false, first = true;
    const char *stop = text + strlen(text);
    if (strncmp(text, "#!", 2) != 0)
        buf_add_str(&out, path_line);
    for (const char *p = text; *p; p = line_end(p)) {
        struct line l = line_at(p, stop);
        if (sources_husky(&l, a)) {
            sourced = true;
            continue;
        }
        buf_add(&out, p, (size_t)(line_end(p) - p));
        if (first && begins(&l, "#!")) {
            if (out.data[out.size - 1] != '\n')
                buf_add_char(&out, '\n');
            buf_add_str(&out, path_line); /* which husky's helper would have done */
        }
        first = false;
    }
    if (sourced)
        text = arena_strdup(a, buf_str(&out));
    buf_release(&out);
    return text;
}
