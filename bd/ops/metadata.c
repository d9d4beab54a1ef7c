/*
 * Edits of an issue's metadata object. The values stay the texts they are (no number passes through a
 * double): an object is split into raw members, and joined again with its keys sorted.
 */
#include "bd/ops/update.h"

#include "bd/ops/event_json.h"
#include "bd/ops/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct member {
    const char *key, *value; /* raw texts; the key with its quotes */
};
struct members {
    struct member *items;
    size_t count, capacity;
    struct arena *a;
};

static void set(struct members *m, const char *key, const char *value) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->items[i].key, key) == 0) {
            m->items[i].value = value;
            return;
        }
    MEM_GROW(m->items, m->capacity, m->count + 1);
    m->items[m->count++] = (struct member){key, value};
}

static void unset(struct members *m, const char *key) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->items[i].key, key) == 0) {
            m->items[i] = m->items[--m->count];
            return;
        }
}

static const char *skip_space(const char *s) { return s + strspn(s, " \t\r\n"); }

static const char *string_end(const char *s) {
    for (s++; *s && *s != '"'; s++)
        if (*s == '\\' && s[1])
            s++;
    return *s ? s + 1 : s;
}

static const char *value_end(const char *s) {
    int depth = 0;
    for (; *s; s++) {
        if (*s == '"') {
            s = string_end(s) - 1;
            continue;
        }
        if (*s == '{' || *s == '[')
            depth++;
        else if ((*s == '}' || *s == ']') && depth-- == 0)
            return s;
        else if (*s == ',' && depth == 0)
            return s;
    }
    return s;
}

/* The text is valid JSON; false when it is no object. */
static bool split(const char *text, struct members *m) {
    const char *s = skip_space(text);
    if (*s != '{')
        return false;
    s = skip_space(s + 1);
    while (*s == '"') {
        const char *key = s;
        s = string_end(s);
        const char *key_text = arena_strndup(m->a, key, (size_t)(s - key));
        s = skip_space(skip_space(s) + 1); /* the colon */
        const char *end = value_end(s), *trimmed = end;
        while (trimmed > s && isspace((unsigned char)trimmed[-1]))
            trimmed--;
        set(m, key_text, arena_strndup(m->a, s, (size_t)(trimmed - s)));
        s = skip_space(end + (*end == ','));
    }
    return true;
}

static int by_key(const void *x, const void *y) {
    return strcmp(((const struct member *)x)->key, ((const struct member *)y)->key);
}

static const char *join(struct members *m) {
    struct buf out = BUF_INIT;
    if (m->count)
        qsort(m->items, m->count, sizeof *m->items, by_key);
    buf_add_char(&out, '{');
    for (size_t i = 0; i < m->count; i++)
        buf_addf(&out, "%s%s:%s", i ? "," : "", m->items[i].key, m->items[i].value);
    buf_add_char(&out, '}');
    const char *text = arena_strdup(m->a, buf_str(&out));
    buf_release(&out);
    return text;
}

static int split_old(const char *old, struct members *m, struct err *err) {
    if (!old || !*old || strcmp(skip_space(old), "null") == 0)
        return BD_OK;
    if (!json_text_is_valid(old) || !split(old, m))
        return err_set(err, BD_INVALID, "existing metadata is not a JSON object: %.200s", old);
    return BD_OK;
}

int metadata_merge(const char *old, const char *patch, struct arena *a, const char **out,
                   struct err *err) {
    struct members m = {.a = a};
    int rc = split_old(old, &m, err);
    if (rc == BD_OK && !split(patch, &m))
        rc = err_set(err, BD_INVALID, "new metadata is not a JSON object: %.200s", patch);
    if (rc == BD_OK)
        *out = join(&m);
    free(m.items);
    return rc;
}

static const char *quoted(const char *text, struct arena *a) {
    struct buf b = BUF_INIT;
    event_json_string(&b, text);
    const char *copy = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return copy;
}

/* null, true, false and JSON numbers keep their type; anything else is a string. */
static const char *value_text(const char *v, struct arena *a) {
    bool literal = strcmp(v, "null") == 0 || strcmp(v, "true") == 0 || strcmp(v, "false") == 0;
    bool number = (isdigit((unsigned char)*v) || *v == '-') &&
                  v[strspn(v, "0123456789+-.eE")] == '\0' && json_text_is_valid(v) &&
                  !(v[*v == '-'] == '0' && isdigit((unsigned char)v[1 + (*v == '-')]));
    return literal || number ? v : quoted(v, a);
}

static int check_key(const char *key, struct err *err) {
    if (metadata_key_is_valid(key))
        return BD_OK;
    return err_set(err, BD_INVALID, "invalid metadata key \"%s\": must match [a-zA-Z_][a-zA-Z0-9_.]*",
                   key);
}

int metadata_edit(const char *old, const char *const *set_texts, size_t set_count,
                  const char *const *unset_keys, size_t unset_count, struct arena *a, const char **out,
                  struct err *err) {
    struct members m = {.a = a};
    int rc = split_old(old, &m, err);
    for (size_t i = 0; rc == BD_OK && i < set_count; i++) {
        const char *eq = strchr(set_texts[i], '=');
        if (!eq || eq == set_texts[i]) {
            rc = err_set(err, BD_INVALID, "invalid --set-metadata: expected key=value, got \"%s\"",
                         set_texts[i]);
            break;
        }
        const char *key = arena_strndup(a, set_texts[i], (size_t)(eq - set_texts[i]));
        rc = check_key(key, err);
        if (rc == BD_OK)
            set(&m, quoted(key, a), value_text(eq + 1, a));
    }
    for (size_t i = 0; rc == BD_OK && i < unset_count; i++) {
        rc = check_key(unset_keys[i], err);
        if (rc == BD_OK)
            unset(&m, quoted(unset_keys[i], a));
    }
    if (rc == BD_OK)
        *out = join(&m);
    free(m.items);
    return rc;
}
