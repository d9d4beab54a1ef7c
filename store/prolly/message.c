/*
 * What a stored message is, and which chunks it refers to (Dolt: the WalkAddrs of
 * go/store/types/serial_message.go): the ground of garbage collection, push, pull and fsck. Every kind
 * has its rule in one table; the walker is generic.
 */
#include "store/prolly/message.h"

#include "store/prolly/flatbuf.h"

#include <string.h>

#define ENVELOPE_SIZE 4
#define MESSAGE_KIND_SERIAL 27
#define EMBEDDING_DEPTH_MAX 4
#define CLOSURE_KEY_SIZE 28

enum rule_how {
    RULE_END,
    RULE_ADDRESS,     /* a vector of 20 bytes, zero or absent for none */
    RULE_ADDRESSES,   /* a vector of n times 20 bytes */
    RULE_EMBEDDED,    /* a vector that holds a whole message */
    RULE_TABLE,       /* a table with rules of its own */
    RULE_PLACES,      /* u16 places of addresses inside the bytes of slot `in` */
    RULE_CLOSURE_KEYS /* commit addresses behind the heights in the keys of a leaf */
};
struct rule {
    uint8_t how, slot, in;
    const struct rule *table;
};

static const struct rule none[] = {{RULE_END, 0, 0, NULL}};
static const struct rule map_rules[] = {{RULE_EMBEDDED, 0, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule address_rules[] = {{RULE_ADDRESS, 0, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule root_value_rules[] = {
    {RULE_EMBEDDED, 1, 0, NULL}, {RULE_ADDRESS, 2, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule conflict_rules[] = {{RULE_ADDRESS, 0, 0, NULL},
                                             {RULE_ADDRESS, 1, 0, NULL},
                                             {RULE_ADDRESS, 2, 0, NULL},
                                             {RULE_ADDRESS, 3, 0, NULL},
                                             {RULE_END, 0, 0, NULL}};
static const struct rule table_rules[] = {
    {RULE_ADDRESS, 0, 0, NULL},  {RULE_EMBEDDED, 1, 0, NULL},
    {RULE_EMBEDDED, 2, 0, NULL}, {RULE_TABLE, 4, 0, conflict_rules},
    {RULE_ADDRESS, 5, 0, NULL},  {RULE_ADDRESS, 6, 0, NULL},
    {RULE_END, 0, 0, NULL}};
static const struct rule tree_node_rules[] = {
    {RULE_ADDRESSES, 7, 0, NULL}, {RULE_PLACES, 6, 3, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule address_map_rules[] = {{RULE_ADDRESSES, 2, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule closure_rules[] = {
    {RULE_ADDRESSES, 1, 0, NULL}, {RULE_CLOSURE_KEYS, 0, 4, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule artifact_rules[] = {
    {RULE_ADDRESSES, 5, 0, NULL}, {RULE_PLACES, 2, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule blob_rules[] = {{RULE_ADDRESSES, 1, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule commit_rules[] = {{RULE_ADDRESSES, 2, 0, NULL},
                                           {RULE_ADDRESS, 0, 0, NULL},
                                           {RULE_ADDRESS, 3, 0, NULL},
                                           {RULE_END, 0, 0, NULL}};
static const struct rule merge_state_rules[] = {
    {RULE_ADDRESS, 0, 0, NULL}, {RULE_ADDRESS, 1, 0, NULL}, {RULE_END, 0, 0, NULL}};
/* A rebase state is not walked: Dolt does not, so the root it names may be gone. */
static const struct rule working_set_rules[] = {{RULE_ADDRESS, 0, 0, NULL},
                                                {RULE_ADDRESS, 1, 0, NULL},
                                                {RULE_TABLE, 6, 0, merge_state_rules},
                                                {RULE_END, 0, 0, NULL}};
static const struct rule stash_rules[] = {
    {RULE_ADDRESS, 0, 0, NULL}, {RULE_ADDRESS, 1, 0, NULL}, {RULE_END, 0, 0, NULL}};
static const struct rule vector_rules[] = {{RULE_ADDRESSES, 4, 0, NULL}, {RULE_END, 0, 0, NULL}};

static const struct message_type {
    char id[5];
    enum message_kind kind;
    const struct rule *rules;
} types[] = {
    {"TUPM", MESSAGE_TREE_NODE, tree_node_rules},
    {"BLOB", MESSAGE_BLOB, blob_rules},
    {"ADRM", MESSAGE_ADDRESS_MAP, address_map_rules},
    {"DTBL", MESSAGE_TABLE, table_rules},
    {"RTVL", MESSAGE_ROOT_VALUE, root_value_rules},
    {"DCMT", MESSAGE_COMMIT, commit_rules},
    {"CMCL", MESSAGE_COMMIT_CLOSURE, closure_rules},
    {"WRST", MESSAGE_WORKING_SET, working_set_rules},
    {"STRT", MESSAGE_STORE_ROOT, map_rules},
    {"DSCH", MESSAGE_TABLE_SCHEMA, none},
    {"DFKC", MESSAGE_FOREIGN_KEYS, none},
    {"ARTM", MESSAGE_MERGE_ARTIFACTS, artifact_rules},
    {"DTAG", MESSAGE_TAG, address_rules},
    {"STSH", MESSAGE_STASH, stash_rules},
    {"SLST", MESSAGE_STASH_LIST, map_rules},
    {"STAT", MESSAGE_STATISTIC, address_rules},
    {"TUPL", MESSAGE_TUPLE, none},
    {"IVFF", MESSAGE_VECTOR_NODE, vector_rules},
};

static bool has_envelope(const struct chunk *c) {
    if (c->size < ENVELOPE_SIZE + 8 || c->data[0] != MESSAGE_KIND_SERIAL)
        return false;
    size_t flat = (size_t)c->data[1] << 16 | (size_t)c->data[2] << 8 | c->data[3];
    return flat == c->size - ENVELOPE_SIZE;
}

static const struct message_type *type_of(const struct chunk *c) {
    if (!has_envelope(c))
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (memcmp(c->data + ENVELOPE_SIZE + 4, types[i].id, 4) == 0)
            return &types[i];
    }
    return NULL;
}

enum message_kind message_kind_of(const struct chunk *c) {
    const struct message_type *type = type_of(c);
    return type ? type->kind : MESSAGE_UNKNOWN;
}

struct walk {
    message_ref_fn fn;
    message_field_fn field_fn; /* instead of fn */
    void *ctx;
    struct err *err;
    const char *id;
    unsigned depth;
    unsigned field; /* the numbers of the rules on the way here, as octal digits */
};

static int damaged(const struct walk *w) {
    return err_set(w->err, BD_CORRUPT,
                   "a %s message of the database is damaged: its references do not fit", w->id);
}

static int visit(const struct walk *w, const uint8_t *address) {
    struct hash h;
    memcpy(h.b, address, HASH_SIZE);
    if (hash_is_zero(&h))
        return BD_OK;
    return w->field_fn ? w->field_fn(w->ctx, w->field, &h) : w->fn(w->ctx, &h);
}

static int walk_message(struct walk *w, struct chunk c);

static int walk_rule(struct walk *w, const struct fb_table *t, const struct rule *r) {
    struct fb_bytes b = fb_bytes_at(t, r->slot);
    size_t count = b.size / HASH_SIZE;
    if (!b.data)
        return BD_OK;
    if (r->how == RULE_EMBEDDED)
        return b.size ? walk_message(w, (struct chunk){b.data, b.size}) : BD_OK;
    if (r->how == RULE_CLOSURE_KEYS) {
        if (fb_u8(t, r->in, 0) != 0)
            return BD_OK;
        if (b.size % CLOSURE_KEY_SIZE)
            return damaged(w);
        int rc = BD_OK;
        for (size_t at = 8; rc == BD_OK && at < b.size; at += CLOSURE_KEY_SIZE)
            rc = visit(w, b.data + at);
        return rc;
    }
    if (b.size % HASH_SIZE || (r->how == RULE_ADDRESS && count > 1))
        return damaged(w);
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = visit(w, b.data + i * HASH_SIZE);
    return rc;
}

static int walk_places(struct walk *w, const struct fb_table *t, const struct rule *r) {
    struct fb_vector places = fb_vector_at(t, r->slot, 2);
    struct fb_bytes items = fb_bytes_at(t, r->in);
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < places.count; i++) {
        size_t at = fb_vector_u16(&places, i);
        if (at + HASH_SIZE > items.size)
            return damaged(w);
        rc = visit(w, items.data + at);
    }
    return rc;
}

static int walk_table(struct walk *w, const struct fb_table *t, const struct rule *rules) {
    int rc = BD_OK;
    unsigned outer = w->field;
    for (const struct rule *r = rules; rc == BD_OK && r->how != RULE_END; r++) {
        w->field = outer * 8 + (unsigned)(r - rules) + 1;
        if (r->how == RULE_TABLE) {
            struct fb_table inner;
            if (fb_table_at(t, r->slot, &inner))
                rc = walk_table(w, &inner, r->table);
        } else if (r->how == RULE_PLACES) {
            rc = walk_places(w, t, r);
        } else {
            rc = walk_rule(w, t, r);
        }
        if (rc == BD_OK && *t->bad)
            rc = damaged(w);
    }
    w->field = outer;
    return rc;
}

static int walk_message(struct walk *w, struct chunk c) {
    const struct message_type *type = type_of(&c);
    if (!type && !has_envelope(&c))
        return err_set(w->err, BD_CORRUPT, "a chunk of %zu bytes is no message of a database", c.size);
    if (!type)
        return err_set(
            w->err, BD_TOO_NEW,
            "a message of kind %.4s is unknown to this version; use a newer bd for this database",
            (const char *)c.data + ENVELOPE_SIZE + 4);
    w->id = type->id;
    if (w->depth >= EMBEDDING_DEPTH_MAX)
        return damaged(w);
    bool bad;
    struct fb_table t;
    int rc = fb_open(c.data, c.size, type->id, &bad, &t, w->err);
    if (rc != BD_OK)
        return rc;
    w->depth++;
    rc = walk_table(w, &t, type->rules);
    w->depth--;
    return rc;
}

int message_walk(const struct chunk *c, message_ref_fn fn, void *ctx, struct err *err) {
    struct walk w = {.fn = fn, .ctx = ctx, .err = err, .id = ""};
    return walk_message(&w, *c);
}

int message_walk_fields(const struct chunk *c, message_field_fn fn, void *ctx, struct err *err) {
    struct walk w = {.field_fn = fn, .ctx = ctx, .err = err, .id = ""};
    return walk_message(&w, *c);
}
