/*
 * Reading the command line. The command is found first, word by word, skipping flags and their values
 * as far as the command reached so far knows them; then the remaining words are read with all flags of
 * that command. Flags of a command come before global ones of the same name.
 */
#include "bd/cmd/parse.h"

#include "bd/ui/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct cmd_flag cmd_global_flags[] = {
    {.name = "actor",
     .kind = FLAG_STRING,
     .help = "Who acts, for the audit trail (else BEADS_ACTOR, git user.name, USER)"},
    {.name = "db",
     .kind = FLAG_STRING,
     .help = "Database to use (else found from the current directory)"},
    {.name = "directory",
     .shorthand = 'C',
     .kind = FLAG_STRING,
     .help = "Use the workspace of this directory"},
    {.name = "dolt-auto-commit",
     .kind = FLAG_STRING,
     .help = "When writes become commits: on (each command), off or batch (at 'bd dolt commit')"},
    {.name = "format", .kind = FLAG_STRING, .hidden = true, .help = "json is the same as --json"},
    {.name = "global", .kind = FLAG_BOOL, .help = "Use the global database of the shared server"},
    {.name = "ignore-schema-skew",
     .kind = FLAG_BOOL,
     .help = "Go on although the database has a newer schema"},
    {.name = "json", .kind = FLAG_BOOL, .help = "Print JSON"},
    {.name = "profile",
     .kind = FLAG_BOOL,
     .help = "Print how long the command took, on standard error"},
    {.name = "quiet",
     .shorthand = 'q',
     .kind = FLAG_BOOL,
     .help = "Print what is necessary, and errors"},
    {.name = "readonly", .kind = FLAG_BOOL, .help = "Refuse every command that changes something"},
    {.name = "sandbox", .kind = FLAG_BOOL, .help = "Never push by itself"},
    {.name = "verbose", .shorthand = 'v', .kind = FLAG_BOOL, .help = "Print details while working"},
    {0},
};

char *cmd_quote(struct arena *a, const char *s) {
    struct buf b = BUF_INIT;
    text_add_quoted(&b, s);
    char *r = arena_strndup(a, buf_str(&b), b.size);
    buf_release(&b);
    return r;
}

/* ---- values ---- */

static struct cmd_value *find_long(const struct cmd_call *c, const char *name, size_t size) {
    for (size_t i = 0; i < c->value_count; i++)
        if (strncmp(c->values[i].flag->name, name, size) == 0 && c->values[i].flag->name[size] == 0)
            return &c->values[i];
    return NULL;
}

static struct cmd_value *find_short(const struct cmd_call *c, char letter) {
    for (size_t i = 0; i < c->value_count; i++)
        if (c->values[i].flag->shorthand == letter && letter)
            return &c->values[i];
    return NULL;
}

static const char *flag_label(struct arena *a, const struct cmd_flag *f) {
    return f->shorthand ? arena_printf(a, "-%c, --%s", f->shorthand, f->name)
                        : arena_printf(a, "--%s", f->name);
}

static int bad_value(struct cmd_call *c, const struct cmd_flag *f, const char *text, const char *why,
                     struct err *err) {
    return err_set(err, BD_INVALID, "invalid argument %s for \"%s\" flag: %s",
                   cmd_quote(c->arena, text), flag_label(c->arena, f), why);
}

static bool parse_bool(const char *s, int64_t *v) {
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True", NULL};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False", NULL};
    for (size_t i = 0; yes[i]; i++) {
        if (strcmp(s, yes[i]) == 0)
            return *v = 1, true;
        if (strcmp(s, no[i]) == 0)
            return *v = 0, true;
    }
    return false;
}

/* Go's ParseInt with base 0: prefixes 0x 0o 0b 0, underscores between digits. 0, EINVAL or ERANGE. */
static int parse_int(const char *s, int64_t *v) {
    bool negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    unsigned base = 10;
    bool prefix = false;
    if (s[0] == '0' && s[1]) {
        char x = (char)tolower((unsigned char)s[1]);
        base = x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 8;
        s += strchr("xob", x) ? 2 : 1;
        prefix = true;
    }
    uint64_t u = 0;
    bool digit = false, over = false, after_digit = prefix;
    for (; *s; s++) {
        if (*s == '_') {
            if (!prefix || !after_digit || !s[1])
                return EINVAL;
            after_digit = false;
            continue;
        }
        unsigned d = isdigit((unsigned char)*s)   ? (unsigned)(*s - '0')
                     : isalpha((unsigned char)*s) ? (unsigned)(tolower((unsigned char)*s) - 'a' + 10)
                                                  : 99;
        if (d >= base)
            return EINVAL;
        over = over || u > (UINT64_MAX - d) / base;
        u = u * base + d;
        digit = after_digit = true;
    }
    if (!digit)
        return EINVAL;
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (over || u > limit)
        return ERANGE;
    *v = negative ? (int64_t)(0 - u) : (int64_t)u;
    return 0;
}

int cmd_parse_duration(const char *text, int64_t *nanos, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *s = text;
    bool negative = *s == '-';
    int code = BD_OK;
    double total = 0;
    if (*s == '-' || *s == '+')
        s++;
    if (strcmp(s, "0") == 0) {
        *nanos = 0;
        return BD_OK;
    }
    if (!*s)
        code = err_set(err, BD_INVALID, "time: invalid duration %s", cmd_quote(&a, text));
    while (!code && *s) {
        const char *number = s;
        bool digits = false;
        for (; isdigit((unsigned char)*s); s++)
            digits = true;
        if (*s == '.')
            for (s++; isdigit((unsigned char)*s); s++)
                digits = true;
        if (!digits) {
            code = err_set(err, BD_INVALID, "time: invalid duration %s", cmd_quote(&a, text));
            break;
        }
        const char *unit = s;
        while (*s && *s != '.' && !isdigit((unsigned char)*s))
            s++;
        size_t n = (size_t)(s - unit);
        static const struct {
            const char *name;
            double nanos;
        } units[] = {{"ns", 1},   {"us", 1e3}, {"\302\265s", 1e3}, {"\316\274s", 1e3},
                     {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};
        double scale = 0;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strlen(units[i].name) == n && memcmp(units[i].name, unit, n) == 0)
                scale = units[i].nanos;
        if (n == 0)
            code = err_set(err, BD_INVALID, "time: missing unit in duration %s", cmd_quote(&a, text));
        else if (scale == 0)
            code = err_set(err, BD_INVALID, "time: unknown unit %s in duration %s",
                           cmd_quote(&a, arena_strndup(&a, unit, n)), cmd_quote(&a, text));
        else
            total += strtod(arena_strndup(&a, number, (size_t)(unit - number)), NULL) * scale;
    }
    if (!code && total >= 9223372036854775807.0)
        code = err_set(err, BD_INVALID, "time: invalid duration %s", cmd_quote(&a, text));
    if (!code)
        *nanos = (int64_t)llround(negative ? -total : total);
    arena_release(&a);
    return code;
}

static void list_add(struct cmd_call *c, struct cmd_value *v, const char *item) {
    if (v->list_count + 1 >= v->list_capacity) {
        size_t capacity = v->list_capacity ? v->list_capacity * 2 : 8;
        const char **list = arena_alloc(c->arena, capacity * sizeof *list);
        if (v->list_count)
            memcpy(list, v->list, v->list_count * sizeof *list);
        v->list = list;
        v->list_capacity = capacity;
    }
    v->list[v->list_count++] = item;
    v->list[v->list_count] = NULL;
}

/* One CSV record, as Go's encoding/csv reads it. */
static int list_add_csv(struct cmd_call *c, struct cmd_value *v, const char *text, struct err *err) {
    const char *p = text;
    if (!*p)
        return BD_OK;
    for (;;) {
        struct buf field = BUF_INIT;
        const char *why = NULL;
        if (*p == '"') {
            for (p++;; p++) {
                if (!*p) {
                    why = "extraneous or missing \" in quoted-field";
                    break;
                }
                if (*p == '"' && p[1] != '"')
                    break;
                if (*p == '"')
                    p++;
                buf_add_char(&field, *p);
            }
            if (!why) {
                p++;
                if (*p && *p != ',' && *p != '\n' && strncmp(p, "\r\n", 2) != 0)
                    why = "extraneous or missing \" in quoted-field";
            }
        } else {
            for (; *p && *p != ',' && *p != '\n' && strncmp(p, "\r\n", 2) != 0; p++) {
                if (*p == '"') {
                    why = "bare \" in non-quoted field";
                    break;
                }
                buf_add_char(&field, *p);
            }
        }
        if (!why)
            list_add(c, v, arena_strndup(c->arena, buf_str(&field), field.size));
        buf_release(&field);
        if (why)
            return bad_value(c, v->flag, text,
                             arena_printf(c->arena, "parse error on line 1, column %zu: %s",
                                          (size_t)(p - text) + 1, why),
                             err);
        if (*p != ',')
            return BD_OK;
        p++;
    }
}

static int set_value(struct cmd_call *c, struct cmd_value *v, const char *text, struct err *err) {
    const struct cmd_flag *f = v->flag;
    struct err why = ERR_INIT;
    int rc;
    switch (f->kind) {
    case FLAG_BOOL:
        if (!parse_bool(text, &v->i))
            return bad_value(c, f, text,
                             arena_printf(c->arena, "strconv.ParseBool: parsing %s: invalid syntax",
                                          cmd_quote(c->arena, text)),
                             err);
        break;
    case FLAG_INT:
        if ((rc = parse_int(text, &v->i)))
            return bad_value(c, f, text,
                             arena_printf(c->arena, "strconv.ParseInt: parsing %s: %s",
                                          cmd_quote(c->arena, text),
                                          rc == ERANGE ? "value out of range" : "invalid syntax"),
                             err);
        break;
    case FLAG_FLOAT: {
        char *end;
        v->f = strtod(text, &end);
        if (!*text || *end || isspace((unsigned char)*text))
            return bad_value(c, f, text,
                             arena_printf(c->arena, "strconv.ParseFloat: parsing %s: invalid syntax",
                                          cmd_quote(c->arena, text)),
                             err);
        break;
    }
    case FLAG_DURATION:
        if (cmd_parse_duration(text, &v->i, &why))
            return bad_value(c, f, text, why.msg, err);
        break;
    case FLAG_STRING: break;
    case FLAG_STRINGS:
        if (!v->given)
            v->list_count = 0;
        if ((rc = list_add_csv(c, v, text, err)))
            return rc;
        break;
    case FLAG_ARRAY:
        if (!v->given)
            v->list_count = 0;
        list_add(c, v, text);
        break;
    }
    v->s = text;
    v->given = true;
    return BD_OK;
}

static bool takes_no_value(const struct cmd_flag *f) { return f->kind == FLAG_BOOL || f->no_value; }
static const char *implied_value(const struct cmd_flag *f) {
    return f->no_value ? f->no_value : "true";
}

/* ---- finding the command ---- */

static const struct cmd *find_child(const struct cmd *c, const char *name) {
    for (size_t i = 0; c->children && c->children[i]; i++) {
        const struct cmd *k = c->children[i];
        if (strcmp(k->name, name) == 0)
            return k;
        for (size_t j = 0; k->aliases && k->aliases[j]; j++)
            if (strcmp(k->aliases[j], name) == 0)
                return k;
    }
    return NULL;
}

static const struct cmd_flag *flag_of(const struct cmd_call *c, const char *name, size_t size,
                                      char letter) {
    for (size_t d = c->depth; d-- > 0;)
        for (const struct cmd_flag *f = c->chain[d]->flags; f && f->name; f++) {
            if (d + 1 < c->depth && !f->persistent)
                continue;
            if (letter ? f->shorthand == letter : strncmp(f->name, name, size) == 0 && !f->name[size])
                return f;
        }
    for (const struct cmd_flag *f = cmd_global_flags; f->name; f++)
        if (letter ? f->shorthand == letter : strncmp(f->name, name, size) == 0 && !f->name[size])
            return f;
    return NULL;
}

/* Index of the first word that is neither flag nor value of a flag, or count. */
static size_t first_word(const struct cmd_call *c, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *s = words[i];
        if (strcmp(s, "--") == 0)
            return count;
        if (s[0] != '-') {
            if (*s)
                return i;
            continue;
        }
        if (strchr(s, '='))
            continue;
        const struct cmd_flag *f = NULL;
        if (s[1] == '-')
            f = flag_of(c, s + 2, strlen(s + 2), 0);
        else if (strlen(s) == 2)
            f = flag_of(c, NULL, 0, s[1]);
        else
            continue;
        if (strcmp(s, "--help") == 0 || strcmp(s, "-h") == 0 || (f && takes_no_value(f)))
            continue;
        i++;
    }
    return count;
}

static void add_values(struct cmd_call *c, const struct cmd_flag *flags, bool persistent_only) {
    for (const struct cmd_flag *f = flags; f && f->name; f++)
        if (!(persistent_only && !f->persistent) && !find_long(c, f->name, strlen(f->name)))
            c->values[c->value_count++].flag = f;
}

static size_t count_flags(const struct cmd_flag *f) {
    size_t n = 0;
    for (; f && f[n].name; n++)
        ;
    return n;
}

static int set_defaults(struct cmd_call *c, struct err *err) {
    for (size_t i = 0; i < c->value_count; i++) {
        struct cmd_value *v = &c->values[i];
        v->s = "";
        if (v->flag->default_text) {
            int rc = set_value(c, v, v->flag->default_text, err);
            if (rc)
                return rc;
            v->given = false;
        }
    }
    return BD_OK;
}

static int parse_long(struct cmd_call *c, const char *s, const char *next, bool *used_next,
                      struct err *err) {
    const char *name = s + 2, *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    if (size == 0 || *name == '-')
        return err_set(err, BD_INVALID, "bad flag syntax: %s", s);
    struct cmd_value *v = find_long(c, name, size);
    if (!v && size == 4 && memcmp(name, "help", 4) == 0) {
        c->help = true;
        return BD_OK;
    }
    if (!v)
        return err_set(err, BD_INVALID, "unknown flag: --%.*s", (int)size, name);
    if (equals)
        return set_value(c, v, equals + 1, err);
    if (takes_no_value(v->flag))
        return set_value(c, v, implied_value(v->flag), err);
    if (!next)
        return err_set(err, BD_INVALID, "flag needs an argument: --%.*s", (int)size, name);
    *used_next = true;
    return set_value(c, v, next, err);
}

static int parse_short(struct cmd_call *c, const char *s, const char *next, bool *used_next,
                       struct err *err) {
    for (const char *p = s + 1; *p; p++) {
        struct cmd_value *v = find_short(c, *p);
        if (!v && *p == 'h') {
            c->help = true;
            continue;
        }
        if (!v) {
            size_t n = 1;
            while ((p[n] & 0xC0) == 0x80)
                n++;
            return err_set(err, BD_INVALID, "unknown shorthand flag: '%.*s' in -%s", (int)n, p, p);
        }
        if (p[1] == '=' && p[2])
            return set_value(c, v, p + 2, err);
        if (takes_no_value(v->flag)) {
            int rc = set_value(c, v, implied_value(v->flag), err);
            if (rc)
                return rc;
            continue;
        }
        if (p[1])
            return set_value(c, v, p + 1, err);
        if (!next)
            return err_set(err, BD_INVALID, "flag needs an argument: '%c' in -%s", *p, p);
        *used_next = true;
        return set_value(c, v, next, err);
    }
    return BD_OK;
}

int cmd_parse(struct arena *a, const struct cmd *root, int argc, char **argv, struct cmd_call *out,
              struct err *err) {
    memset(out, 0, sizeof *out);
    out->arena = a;
    out->chain[out->depth++] = root;
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    const char **words = arena_alloc(a, (count + 1) * sizeof *words);
    for (size_t i = 0; i < count; i++)
        words[i] = argv[i + 1];
    words[count] = NULL;
    while (out->depth < CMD_DEPTH_MAX) {
        const struct cmd *c = out->chain[out->depth - 1];
        size_t i = c->children ? first_word(out, words, count) : count;
        const struct cmd *child = i < count ? find_child(c, words[i]) : NULL;
        if (!child)
            break;
        out->called_as = words[i];
        memmove(&words[i], &words[i + 1], (count - i) * sizeof *words);
        count--;
        out->chain[out->depth++] = child;
    }
    struct buf path = BUF_INIT;
    size_t flags = count_flags(cmd_global_flags);
    for (size_t d = 0; d < out->depth; d++) {
        buf_addf(&path, "%s%s", d ? " " : "", out->chain[d]->name);
        flags += count_flags(out->chain[d]->flags);
    }
    out->path = arena_strndup(a, buf_str(&path), path.size);
    buf_release(&path);

    const struct cmd *cmd = out->chain[out->depth - 1];
    out->values = arena_zalloc(a, flags * sizeof *out->values);
    for (size_t d = out->depth; d-- > 0;)
        add_values(out, out->chain[d]->flags, d + 1 < out->depth);
    add_values(out, cmd_global_flags, false);
    out->args = arena_alloc(a, (count + 1) * sizeof *out->args);
    int rc = set_defaults(out, err);
    if (rc)
        return rc;
    bool raw = (cmd->cls & CMD_RAW_ARGS) != 0;
    for (size_t i = 0; i < count; i++) {
        const char *s = words[i];
        bool used_next = false;
        if (raw || s[0] != '-' || !s[1]) {
            out->args[out->arg_count++] = s;
            continue;
        }
        if (strcmp(s, "--") == 0) {
            raw = true;
            continue;
        }
        const char *next = i + 1 < count ? words[i + 1] : NULL;
        rc = s[1] == '-' ? parse_long(out, s, next, &used_next, err)
                         : parse_short(out, s, next, &used_next, err);
        if (rc)
            break;
        i += used_next ? 1 : 0;
    }
    size_t unknown = rc && out->depth == 1 ? first_word(out, words, count) : count;
    if (unknown < count) {
        /* A command nobody knows: its name is what is wrong, not the flags that came with it. */
        err_clear(err);
        rc = BD_OK;
        out->args[0] = words[unknown];
        out->arg_count = 1;
    }
    out->args[out->arg_count] = NULL;
    return rc;
}

/* ---- checks ---- */

int cmd_check_args(const struct cmd_call *c, struct err *err) {
    const struct cmd *cmd = cmd_of(c);
    size_t n = c->arg_count, min = (size_t)cmd->args_min;
    size_t max = cmd->args_max < 0 ? SIZE_MAX : (size_t)cmd->args_max;
    if (n >= min && n <= max)
        return BD_OK;
    if (max == 0)
        return err_set(err, BD_INVALID, "unknown command %s for \"%s\"",
                       cmd_quote(c->arena, c->args[0]), c->path);
    if (min == max)
        return err_set(err, BD_INVALID, "accepts %zu arg(s), received %zu", min, n);
    if (max == SIZE_MAX)
        return err_set(err, BD_INVALID, "requires at least %zu arg(s), only received %zu", min, n);
    if (min == 0)
        return err_set(err, BD_INVALID, "accepts at most %zu arg(s), received %zu", max, n);
    return err_set(err, BD_INVALID, "accepts between %zu and %zu arg(s), received %zu", min, max, n);
}

static bool word_in(const char *group, const char *word) {
    size_t n = strlen(word);
    for (const char *p = group; (p = strstr(p, word)); p += n)
        if ((p == group || p[-1] == ' ') && (p[n] == 0 || p[n] == ' '))
            return true;
    return false;
}

static int compare_names(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

int cmd_check_flags(const struct cmd_call *c, struct err *err) {
    const struct cmd *cmd = cmd_of(c);
    struct buf names = BUF_INIT;
    const char **sorted = arena_alloc(c->arena, (c->value_count + 1) * sizeof *sorted);
    size_t n = 0;
    for (size_t i = 0; i < c->value_count; i++)
        if (c->values[i].flag->required && !c->values[i].given)
            sorted[n++] = c->values[i].flag->name;
    qsort(sorted, n, sizeof *sorted, compare_names);
    for (size_t i = 0; i < n; i++)
        buf_addf(&names, "%s\"%s\"", i ? ", " : "", sorted[i]);
    int rc = n ? err_set(err, BD_INVALID, "required flag(s) %s not set", buf_str(&names)) : BD_OK;
    for (size_t g = 0; !rc && cmd->exclusive && cmd->exclusive[g]; g++) {
        n = 0;
        for (size_t i = 0; i < c->value_count; i++)
            if (c->values[i].given && word_in(cmd->exclusive[g], c->values[i].flag->name))
                sorted[n++] = c->values[i].flag->name;
        if (n < 2)
            continue;
        qsort(sorted, n, sizeof *sorted, compare_names);
        buf_clear(&names);
        for (size_t i = 0; i < n; i++)
            buf_addf(&names, "%s%s", i ? " " : "", sorted[i]);
        rc = err_set(
            err, BD_INVALID,
            "if any flags in the group [%s] are set none of the others can be; [%s] were all set",
            cmd->exclusive[g], buf_str(&names));
    }
    buf_release(&names);
    return rc;
}

/* ---- suggestions ---- */

/* Levenshtein distance without regard to case; both words are short (longer ones count as far). */
static size_t distance(const char *x, const char *y) {
    enum { MAX = 64 };
    size_t n = strlen(x), m = strlen(y);
    if (n >= MAX || m >= MAX)
        return MAX;
    size_t row[MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            bool same = tolower((unsigned char)x[i - 1]) == tolower((unsigned char)y[j - 1]);
            size_t best = diagonal + (same ? 0 : 1);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[m];
}

size_t cmd_suggest(struct arena *a, const struct cmd *parent, const char *typed, const char ***names) {
    const struct cmd *const *all = cmd_sorted_children(a, parent);
    size_t n = 0, count = 0;
    while (all[n])
        n++;
    *names = arena_alloc(a, (n + 1) * sizeof **names);
    for (size_t i = 0; i < n; i++)
        if (distance(typed, all[i]->name) <= 2 || strncasecmp(all[i]->name, typed, strlen(typed)) == 0)
            (*names)[count++] = all[i]->name;
    return count;
}

static int compare_commands(const void *x, const void *y) {
    return strcmp((*(const struct cmd *const *)x)->name, (*(const struct cmd *const *)y)->name);
}

const struct cmd *const *cmd_sorted_children(struct arena *a, const struct cmd *c) {
    size_t n = 0, k = 0;
    while (c->children && c->children[n])
        n++;
    const struct cmd **list = arena_alloc(a, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (!(c->children[i]->cls & CMD_HIDDEN))
            list[k++] = c->children[i];
    qsort(list, k, sizeof *list, compare_commands);
    list[k] = NULL;
    return list;
}

/* ---- questions ---- */

static const struct cmd_value *value_of(const struct cmd_call *c, const char *flag) {
    static const struct cmd_flag unknown = {.name = ""};
    static const struct cmd_value none = {.flag = &unknown, .s = ""};
    const struct cmd_value *v = find_long(c, flag, strlen(flag));
    return v ? v : &none;
}

size_t cmd_arg_count(const struct cmd_call *c) { return c->arg_count; }
const char *cmd_arg(const struct cmd_call *c, size_t i) { return i < c->arg_count ? c->args[i] : NULL; }
const char *const *cmd_args(const struct cmd_call *c) { return c->args; }
bool cmd_given(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->given; }
bool cmd_bool(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->i != 0; }
int64_t cmd_int(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->i; }
int64_t cmd_duration(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->i; }
double cmd_float(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->f; }
const char *cmd_str(const struct cmd_call *c, const char *flag) { return value_of(c, flag)->s; }

const char *const *cmd_list(const struct cmd_call *c, const char *flag, size_t *count) {
    const struct cmd_value *v = value_of(c, flag);
    *count = v->list_count;
    return v->list;
}

const char *cmd_called_as(const struct cmd_call *c) {
    return c->called_as ? c->called_as : cmd_of(c)->name;
}
const struct cmd *cmd_of(const struct cmd_call *c) { return c->chain[c->depth - 1]; }
const char *cmd_path(const struct cmd_call *c) { return c->path; }
