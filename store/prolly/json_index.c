/*
 * JSON documents as Dolt stores them: the text cut into blob leaves at places between two values, under
 * an address map whose keys say how far each leaf goes ("locations": a state byte and the path). The
 * text is walked once by a small state machine that ends a step at every location. Dolt:
 * go/store/prolly/tree/json_chunker.go, json_location.go.
 */
#include "store/prolly/blob.h"

#include "store/prolly/chunker.h"

#include <stdlib.h>
#include <string.h>

enum location_state {
    AT_VALUE = 0,  /* start of a value */
    AT_OBJECT = 1, /* just after '{' */
    AT_ARRAY = 2,  /* just after '[' */
    AT_END = 3,    /* just after a value */
};
#define PATH_KEY 0xFF
#define PATH_INDEX 0xFE

struct element {
    size_t start; /* of its marker in the key */
    uint64_t index;
    bool is_index;
};

struct scanner {
    const uint8_t *text;
    size_t size, at;
    struct buf key; /* state byte and path: the location */
    struct element *path;
    size_t depth, capacity;
};

static void set_state(struct scanner *s, enum location_state state) { s->key.data[0] = (char)state; }

static void push_element(struct scanner *s, uint64_t index, bool is_index) {
    MEM_GROW(s->path, s->capacity, s->depth + 1);
    s->path[s->depth++] = (struct element){s->key.size, index, is_index};
    buf_add_char(&s->key, (char)(is_index ? PATH_INDEX : PATH_KEY));
}

/* SQLite4's variable-length integers: their byte order is their numeric order. */
static void push_index(struct scanner *s, uint64_t v) {
    push_element(s, v, true);
    uint8_t b[9];
    size_t n = 0;
    if (v <= 240) {
        b[n++] = (uint8_t)v;
    } else if (v <= 2287) {
        b[n++] = (uint8_t)(241 + (v - 240) / 256);
        b[n++] = (uint8_t)(v - 240);
    } else if (v <= 67823) {
        b[n++] = 249;
        b[n++] = (uint8_t)((v - 2288) / 256);
        b[n++] = (uint8_t)(v - 2288);
    } else {
        unsigned bytes = 3;
        while (bytes < 8 && v >> (8 * bytes))
            bytes++;
        b[n++] = (uint8_t)(247 + bytes);
        while (bytes-- > 0)
            b[n++] = (uint8_t)(v >> (8 * bytes));
    }
    buf_add(&s->key, b, n);
}

static int current(const struct scanner *s) { return s->at < s->size ? s->text[s->at] : -1; }

/* Over a string's rest, the opening quote being read; false when it does not end. */
static bool skip_string(struct scanner *s) {
    while (s->at < s->size && s->text[s->at] != '"')
        s->at += s->text[s->at] == '\\' ? 2 : 1;
    return s->at++ < s->size;
}

/* `"key":`; of the escapes only \" is resolved in the location. */
static bool take_key(struct scanner *s) {
    if (current(s) != '"')
        return false;
    size_t start = ++s->at;
    if (!skip_string(s) || current(s) != ':')
        return false;
    size_t stop = s->at++ - 1;
    push_element(s, 0, false);
    for (size_t i = start; i < stop; i++) {
        if (s->text[i] == '\\' && i + 1 < stop && s->text[i + 1] == '"')
            i++;
        buf_add_char(&s->key, (char)s->text[i]);
    }
    set_state(s, AT_VALUE);
    return true;
}

static bool take_value(struct scanner *s) {
    int c = current(s);
    s->at++;
    if (c == '{' || c == '[') {
        set_state(s, c == '{' ? AT_OBJECT : AT_ARRAY);
        return true;
    }
    if (c == '"') {
        if (!skip_string(s))
            return false;
    } else {
        while ((c = current(s)) != -1 && c != '}' && c != ']' && c != ',')
            s->at++;
    }
    set_state(s, AT_END);
    return true;
}

static bool close_container(struct scanner *s) {
    s->at++;
    set_state(s, AT_END);
    return true;
}

/* One step to the next location; false when the text is no normalised JSON. Not to be called at the
 * end. */
static bool step(struct scanner *s) {
    int c = current(s);
    switch ((enum location_state)s->key.data[0]) {
    case AT_VALUE: return take_value(s);
    case AT_OBJECT: return c == '}' ? close_container(s) : take_key(s);
    case AT_ARRAY:
        if (c == ']')
            return close_container(s);
        push_index(s, 0);
        set_state(s, AT_VALUE);
        return true;
    case AT_END: break;
    }
    if (!s->depth)
        return false;
    struct element last = s->path[--s->depth];
    s->key.size = last.start;
    if (c == (last.is_index ? ']' : '}'))
        return close_container(s);
    if (c != ',')
        return false;
    s->at++;
    if (!last.is_index)
        return take_key(s);
    push_index(s, last.index + 1);
    set_state(s, AT_VALUE);
    return true;
}

struct json_writer {
    struct node_store *ns;
    struct flatbuf fb;
    struct chunker chunker;
    struct arena keys;
};

static int write_segment(struct json_writer *w, struct bytes key, const uint8_t *text, size_t size,
                         struct err *err) {
    const uint8_t *data;
    const struct chunk_write *stored;
    size_t data_size;
    node_serialize_blob_leaf(&w->fb, text, size, &data, &data_size);
    int rc = node_store_put(w->ns, data, data_size, &stored, err);
    if (rc != BD_OK)
        return rc;
    key.data = arena_dup(&w->keys, key.data, key.size);
    return chunker_append(&w->chunker, 1, key, (struct bytes){stored->hash.b, HASH_SIZE}, 1, NULL, err);
}

static int write_segments(struct json_writer *w, struct scanner *s, struct err *err) {
    static const uint8_t end_key[1] = {AT_END};
    size_t start = 0;
    while (s->at < s->size) {
        if (!step(s) || s->at > s->size)
            return err_set(err, BD_INVALID, "invalid JSON text near byte %zu", s->at);
        struct bytes key = {(const uint8_t *)s->key.data, s->key.size};
        if (s->at - start > UINT32_MAX || !splitter_cuts_segment(key, (uint32_t)(s->at - start)))
            continue;
        int rc = write_segment(w, key, s->text + start, s->at - start, err);
        if (rc != BD_OK)
            return rc;
        start = s->at;
    }
    return write_segment(w, (struct bytes){end_key, 1}, s->text + start, s->size - start, err);
}

int blob_write_json(struct node_store *ns, const char *text, size_t size, struct hash *h,
                    struct err *err) {
    *h = HASH_ZERO;
    if (!size)
        return BD_OK;
    const struct hash *known = node_store_recall(ns, BLOB_JSON, text, size);
    if (known) {
        *h = *known;
        return BD_OK;
    }
    struct json_writer w = {.ns = ns};
    struct scanner s = {.text = (const uint8_t *)text, .size = size, .key = BUF_INIT};
    struct tree_type type = tree_type_addresses; /* ordered by the text itself, never compared here */
    buf_add_char(&s.key, AT_VALUE);
    flatbuf_init(&w.fb);
    int rc = chunker_init(&w.chunker, ns, &type, 1, NULL, err);
    if (rc == BD_OK)
        rc = write_segments(&w, &s, err);
    if (rc == BD_OK) {
        struct chunk root;
        bool existing;
        rc = chunker_done(&w.chunker, &root, &existing, h, err);
        if (rc == BD_OK && !existing)
            rc = node_store_write(ns, root.data, root.size, h, err);
    }
    chunker_release(&w.chunker);
    flatbuf_release(&w.fb);
    arena_release(&w.keys);
    buf_release(&s.key);
    free(s.path);
    if (rc == BD_OK)
        node_store_remember(ns, BLOB_JSON, text, size, h);
    return rc;
}
