/*
 * Matching: a version is laid beside the one before, whose pieces it takes over where the two agree.
 * Where they part, text is looked for a few bytes on in both, then anywhere in the dictionary: 8-byte
 * windows at every fourth place are known by hash, for the present run of versions only. New bytes are
 * appended to the dictionary, so that the next version finds them there. When the versions have drifted
 * so far that their pieces cost as much as a fresh copy, the next one is taken as a whole.
 */
#include "store/chunk/archive_shelf.h"

#include "store/chunk/codec.h"
#include "store/chunk/zstd_frame.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#define MATCH_MIN 24u  /* shorter ones only break the text into pieces */
#define PIECE_MIN 8u   /* of a longer match; what is shorter stays with its chunk */
#define BESIDE_MAX 40u /* bytes that may have changed in place */
#define LITERALS_MAX                                                                                   \
    7u /* new bytes that stay with their chunk: a place in the dictionary is no shorter */
#define LEVEL 3
#define KEPT_MAX ((size_t)768 << 10)
#define PIECE_COST 4u                   /* bytes of one sequence, about */
#define FRESH_COST(size) ((size)*2 / 5) /* of a copy in the dictionary, compressed, about */

#define WINDOW 8u
#define STRIDE 4u
#define TABLE_LOG 12u
#define WAYS 2u

/* `literals` bytes that only this chunk has, then `match` bytes at `from` in the dictionary. */
struct piece {
    uint32_t literals, match, from;
};

struct entry {
    struct hash address;
    uint32_t size, piece_count, literal_size;
    uint32_t packed_size;
    bool plain; /* without dictionary; no piece, all bytes are literals */
    uint64_t sum;
};

struct archive_shelf {
    struct buf dictionary;
    uint32_t table[1u << TABLE_LOG][WAYS]; /* places in the dictionary, counted from 1 */
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    struct buf literals;
    struct buf previous;     /* the bytes of the last version of this run, */
    size_t previous_piece;   /* and the number of its first piece */
    size_t drift, drift_max; /* cost of the pieces of this run, beyond one for each version */
    struct zstd_sequence *sequences;
    size_t sequence_capacity;
    struct buf packed; /* the dictionary's frame (dictionary_packed bytes), then the chunks */
    size_t dictionary_packed;
    uint64_t chunk_bytes;
    struct codec_decoder *decoder; /* made when it is needed first */
};

struct archive_shelf *archive_shelf_new(void) {
    return mem_zalloc(1, sizeof(struct archive_shelf));
}

void archive_shelf_free(struct archive_shelf *s) {
    if (!s)
        return;
    buf_release(&s->dictionary);
    buf_release(&s->literals);
    buf_release(&s->previous);
    buf_release(&s->packed);
    free(s->entries);
    free(s->pieces);
    free(s->sequences);
    codec_decoder_free(s->decoder);
    free(s);
}

size_t archive_shelf_count(const struct archive_shelf *s) { return s->entry_count; }
size_t archive_shelf_size(const struct archive_shelf *s) { return s->dictionary.size; }
uint64_t archive_shelf_chunk_bytes(const struct archive_shelf *s) { return s->chunk_bytes; }

/* --- matching --- */

static uint64_t load8(const void *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint32_t slot_of(uint64_t window) {
    return (uint32_t)(window * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_LOG));
}

/* Appends to the dictionary and makes it findable. Windows may begin before the new bytes. */
static size_t add_text(struct archive_shelf *s, const uint8_t *bytes, size_t size) {
    static const uint8_t magic[4] = {0x37, 0xa4, 0x30, 0xec};
    if (s->dictionary.size == 0 && memcmp(bytes, magic, sizeof magic) == 0)
        buf_add_char(&s->dictionary, 0); /* else it would be taken for a trained dictionary */
    size_t from = s->dictionary.size;
    buf_add(&s->dictionary, bytes, size);
    for (size_t at = from < WINDOW ? 0 : (from - WINDOW) / STRIDE * STRIDE + STRIDE;
         at + WINDOW <= s->dictionary.size; at += STRIDE) {
        uint32_t *slot = s->table[slot_of(load8(s->dictionary.data + at))];
        slot[1] = slot[0];
        slot[0] = (uint32_t)at + 1;
    }
    return from;
}

static struct entry *add_entry(struct archive_shelf *s, const struct hash *h, const uint8_t *data,
                               size_t size) {
    MEM_GROW(s->entries, s->entry_capacity, s->entry_count + 1);
    struct entry *e = &s->entries[s->entry_count++];
    s->chunk_bytes += size;
    *e = (struct entry){.address = *h, .size = (uint32_t)size, .sum = XXH3_64bits(data, size)};
    return e;
}

static void add_piece(struct archive_shelf *s, struct entry *e, size_t literals, size_t match,
                      size_t from) {
    struct piece *last = e->piece_count ? &s->pieces[s->piece_count - 1] : NULL;
    if (last && literals == 0 && last->from + last->match == from) {
        last->match += (uint32_t)match;
        return;
    }
    MEM_GROW(s->pieces, s->piece_capacity, s->piece_count + 1);
    s->pieces[s->piece_count++] = (struct piece){(uint32_t)literals, (uint32_t)match, (uint32_t)from};
    e->piece_count++;
}

static void add_literals(struct archive_shelf *s, struct entry *e, const uint8_t *bytes, size_t size) {
    buf_add(&s->literals, bytes, size);
    e->literal_size += (uint32_t)size;
}

static size_t common(const uint8_t *a, const uint8_t *b, size_t max) {
    size_t n = 0;
    for (; n + 8 <= max; n += 8) {
        uint64_t different = load8(a + n) ^ load8(b + n);
        if (different) /* its lowest bit is in the first byte that differs (little-endian machines) */
            return n + (size_t)__builtin_ctzll(different) / 8;
    }
    while (n < max && a[n] == b[n])
        n++;
    return n;
}

struct match {
    size_t at, from, size; /* in the chunk, in the dictionary */
};

/* The longest of the matches around data[at]; it may begin before, but not before `start`. */
static struct match find(const struct archive_shelf *s, const uint8_t *data, size_t size, size_t at,
                         size_t start) {
    const uint8_t *text = (const uint8_t *)s->dictionary.data;
    const uint32_t *slot = s->table[slot_of(load8(data + at))];
    struct match best = {0, 0, 0};
    for (unsigned way = 0; way < WAYS && slot[way]; way++) {
        size_t from = slot[way] - 1, back = 0, left = s->dictionary.size - from;
        size_t length = common(data + at, text + from, size - at < left ? size - at : left);
        if (length < WINDOW)
            continue;
        while (back < from && back < at - start && data[at - back - 1] == text[from - back - 1])
            back++;
        if (length + back > best.size)
            best = (struct match){at - back, from - back, length + back};
    }
    return best;
}

/* A version in the making. */
struct version {
    struct archive_shelf *s;
    struct entry *e;
    const uint8_t *data;
    size_t size, at, start; /* how far it is looked at; how far it is taken */
    size_t literals;        /* taken last, not yet before a piece */
    size_t beside;          /* the place in the version before that goes with `at` */
    size_t piece, base;     /* one of its pieces, and where that begins */
    size_t piece_end;       /* behind the last of its pieces */
};

/* Bytes that stay with their chunk. */
static void take_literals(struct version *v, size_t size) {
    add_literals(v->s, v->e, v->data + v->start, size);
    v->literals += size;
    v->start += size;
}

static void take_piece(struct version *v, size_t size, size_t from) {
    add_piece(v->s, v->e, v->literals, size, from);
    v->literals = 0;
    v->start += size;
}

/* Bytes up to v->at that no earlier version has: few stay with the chunk, more go to the dictionary. */
static void take_new(struct version *v) {
    size_t size = v->at - v->start;
    if (size > LITERALS_MAX)
        take_piece(v, size, add_text(v->s, v->data + v->start, size));
    else
        take_literals(v, size);
}

/* `size` bytes that stand in the version before at v->beside: its pieces there. */
static void take_beside(struct version *v, size_t size) {
    size_t from = v->beside, end = from + size;
    if (from < v->base) {
        v->piece = v->s->previous_piece;
        v->base = 0;
    }
    while (from < end) {
        struct piece p = {0, 0, 0};
        size_t span = v->s->previous.size - v->base; /* behind the pieces there are only literals */
        if (v->piece < v->piece_end) {
            p = v->s->pieces[v->piece];
            span = p.literals + p.match;
        }
        size_t into = from - v->base, left = end - from;
        if (into >= span) {
            v->base += span;
            v->piece++;
            continue;
        }
        size_t n =
            into < p.literals || p.match == 0 ? (p.match ? p.literals : span) - into : span - into;
        n = n < left ? n : left;
        if (into >= p.literals && p.match && n >= PIECE_MIN) {
            take_new(v);
            take_piece(v, n, p.from + (into - p.literals));
            v->at = v->start;
        } else {
            v->at += n; /* as good as new */
        }
        from += n;
    }
}

/* The place in the version before of the byte at `at` in the dictionary; its size when it has none. */
static size_t place_beside(struct version *v, size_t at) {
    size_t base = 0;
    for (size_t i = v->s->previous_piece; i < v->piece_end; i++) {
        const struct piece *p = &v->s->pieces[i];
        if (at >= p->from && at < (size_t)p->from + p->match)
            return base + p->literals + (at - p->from);
        base += p->literals + p->match;
    }
    return v->s->previous.size;
}

/* How many bytes at v->at + by and v->beside + by are equal. */
static size_t equal_beside(const struct version *v, size_t by) {
    const struct buf *b = &v->s->previous;
    size_t at = v->at + by, from = v->beside + by;
    if (at >= v->size || from >= b->size)
        return 0;
    size_t max = v->size - at < b->size - from ? v->size - at : b->size - from;
    return common(v->data + at, (const uint8_t *)b->data + from, max);
}

/* Moves on to where both versions agree again after a change that kept its length. Returns how far. */
static size_t step_beside(struct version *v) {
    const uint8_t *before = (const uint8_t *)v->s->previous.data;
    size_t n = equal_beside(v, 0);
    if (n >= MATCH_MIN || (n > 0 && v->at + n == v->size))
        return n;
    for (size_t by = n + 1; by <= BESIDE_MAX && v->at + by + WINDOW <= v->size &&
                            v->beside + by + WINDOW <= v->s->previous.size;
         by++) {
        if (load8(v->data + v->at + by) != load8(before + v->beside + by))
            continue;
        n = equal_beside(v, by);
        if (n >= MATCH_MIN) {
            v->at += by;
            v->beside += by;
            return n;
        }
    }
    return 0;
}

/* Finds text in the dictionary that begins at v->at or behind, and takes it with what is new before it.
 * False: none. */
static bool take_found(struct version *v) {
    for (size_t at = v->at; at + WINDOW <= v->size; at += at - v->start < 16 ? 1 : 3) {
        struct match m = find(v->s, v->data, v->size, at, v->start); /* 3 and STRIDE meet everywhere */
        if (m.size < MATCH_MIN)
            continue;
        v->at = m.at;
        take_new(v);
        take_piece(v, m.size, m.from);
        v->at = v->start;
        v->beside = place_beside(v, m.from + m.size - 1);
        v->beside += v->beside < v->s->previous.size;
        return true;
    }
    return false;
}

static void add_version(struct archive_shelf *s, struct entry *e, const uint8_t *data, size_t size) {
    struct version v = {.s = s, .e = e, .data = data, .size = size};
    v.piece = s->previous_piece;
    v.piece_end = s->piece_count;
    while (v.at < size) {
        size_t n = step_beside(&v);
        if (n) {
            take_beside(&v, n);
            v.beside += n;
        } else if (!take_found(&v)) {
            break;
        }
    }
    v.at = size;
    take_new(&v);
}

static void remember(struct archive_shelf *s, const uint8_t *data, size_t size, size_t first_piece) {
    buf_clear(&s->previous);
    buf_add(&s->previous, data, size);
    s->previous_piece = first_piece;
}

void archive_shelf_add_plain(struct archive_shelf *s, const struct hash *h, const uint8_t *data,
                             size_t size) {
    struct entry *e = add_entry(s, h, data, size);
    e->plain = true;
    add_literals(s, e, data, size);
}

void archive_shelf_add(struct archive_shelf *s, const struct hash *h, const uint8_t *data, size_t size,
                       bool related) {
    if (size > ZSTD_FRAME_CONTENT_MAX || size <= LITERALS_MAX) {
        archive_shelf_add_plain(s, h, data, size);
        return;
    }
    struct entry *e = add_entry(s, h, data, size);
    size_t first_piece = s->piece_count;
    if (related && s->drift < s->drift_max) {
        add_version(s, e, data, size);
        remember(s, data, size, first_piece);
        s->drift += (size_t)(e->piece_count ? e->piece_count - 1 : 0) * PIECE_COST;
        return;
    }
    memset(s->table, 0, sizeof s->table);
    add_piece(s, e, 0, size, add_text(s, data, size));
    remember(s, data, size, first_piece);
    s->drift = 0;
    s->drift_max = FRESH_COST(size);
}

/* --- packing --- */

/* Where an entry's pieces and literals begin; they stand in the order of the entries. */
struct place {
    const struct piece *pieces;
    const char *literals;
};

static void rebuild(const struct archive_shelf *s, const struct entry *e, struct place p,
                    uint8_t *out) {
    size_t used = 0;
    for (uint32_t i = 0; i < e->piece_count; i++) {
        memcpy(out, p.literals + used, p.pieces[i].literals);
        out += p.pieces[i].literals;
        used += p.pieces[i].literals;
        memcpy(out, s->dictionary.data + p.pieces[i].from, p.pieces[i].match);
        out += p.pieces[i].match;
    }
    memcpy(out, p.literals + used, e->literal_size - used);
}

static bool pack_frame(struct archive_shelf *s, const struct entry *e, struct place p) {
    MEM_GROW(s->sequences, s->sequence_capacity, e->piece_count);
    size_t at = s->dictionary.size; /* the chunk follows its dictionary */
    for (uint32_t i = 0; i < e->piece_count; i++) {
        at += p.pieces[i].literals;
        s->sequences[i] = (struct zstd_sequence){p.pieces[i].literals, p.pieces[i].match,
                                                 (uint32_t)(at - p.pieces[i].from)};
        at += p.pieces[i].match;
    }
    return e->piece_count && zstd_frame_append(&s->packed, s->sequences, e->piece_count,
                                               (const uint8_t *)p.literals, e->literal_size, e->size);
}

static void pack_plain(struct archive_shelf *s, struct entry *e, struct place p, struct buf *scratch) {
    buf_clear(scratch);
    buf_reserve(scratch, e->size);
    rebuild(s, e, p, (uint8_t *)scratch->data);
    codec_append_snappy(&s->packed, (const uint8_t *)scratch->data, e->size);
    e->plain = true;
}

static int pack_dictionary(struct archive_shelf *s, struct err *err) {
    size_t room = ZSTD_compressBound(s->dictionary.size);
    buf_reserve(&s->packed, room);
    size_t n = ZSTD_compress(s->packed.data, room, s->dictionary.data, s->dictionary.size, LEVEL);
    if (ZSTD_isError(n))
        return err_set(err, BD_IO, "cannot compress a dictionary: %s", ZSTD_getErrorName(n));
    s->packed.size = s->dictionary_packed = n;
    return BD_OK;
}

/* All entries, with the dictionary or (all_plain) without. Sizes of what was packed are in the entries.
 */
static int pack_all(struct archive_shelf *s, bool all_plain, struct err *err) {
    struct place p = {s->pieces, buf_str(&s->literals)};
    struct buf scratch = BUF_INIT;
    buf_clear(&s->packed);
    s->dictionary_packed = 0;
    int rc = all_plain ? BD_OK : pack_dictionary(s, err);
    for (size_t i = 0; i < s->entry_count && rc == BD_OK; i++) {
        struct entry *e = &s->entries[i];
        size_t before = s->packed.size;
        if (all_plain || e->plain || !pack_frame(s, e, p))
            pack_plain(s, e, p, &scratch);
        e->packed_size = (uint32_t)(s->packed.size - before);
        if (e->piece_count) /* without any there is no array */
            p.pieces += e->piece_count;
        p.literals += e->literal_size;
    }
    buf_release(&scratch);
    return rc;
}

/* A damaged chunk must not replace a good one, whatever is wrong: our encoder, a library, memory. */
static int read_back(struct archive_shelf *s, struct err *err) {
    const uint8_t *at = (const uint8_t *)s->packed.data;
    struct codec_dictionary *dictionary = NULL;
    int rc = BD_OK;
    if (!s->decoder)
        s->decoder = codec_decoder_new();
    if (s->dictionary_packed)
        rc = codec_dictionary_open(&dictionary, s->decoder, at, s->dictionary_packed, err);
    at += s->dictionary_packed;
    for (size_t i = 0; i < s->entry_count && rc == BD_OK; i++) {
        const struct entry *e = &s->entries[i];
        uint8_t *data = NULL;
        size_t size = 0;
        rc = e->plain
                 ? codec_decode_snappy(at, e->packed_size, &data, &size, err)
                 : codec_decode_zstd(s->decoder, dictionary, at, e->packed_size, &data, &size, err);
        if (rc == BD_OK && (size != e->size || XXH3_64bits(data, size) != e->sum))
            rc = err_set(err, BD_CORRUPT, "it reads back differently");
        if (rc != BD_OK) {
            char text[HASH_TEXT_SIZE + 1];
            hash_format(&e->address, text);
            err_prefix(err, "chunk %s as packed for an archive", text);
        }
        free(data);
        at += e->packed_size;
    }
    codec_dictionary_close(dictionary);
    return rc;
}

/* What pack_all found, kept while the other way is tried. */
struct packing {
    struct buf packed;
    size_t dictionary_packed;
    uint32_t *sizes;
    bool *plain;
};

static void packing_take(struct packing *p, struct archive_shelf *s) {
    *p = (struct packing){s->packed, s->dictionary_packed, mem_zalloc(s->entry_count, sizeof *p->sizes),
                          mem_zalloc(s->entry_count, sizeof *p->plain)};
    for (size_t i = 0; i < s->entry_count; i++) {
        p->sizes[i] = s->entries[i].packed_size;
        p->plain[i] = s->entries[i].plain;
    }
    s->packed = (struct buf)BUF_INIT;
}

static void packing_give_back(struct packing *p, struct archive_shelf *s) {
    buf_release(&s->packed);
    s->packed = p->packed;
    p->packed = (struct buf)BUF_INIT;
    s->dictionary_packed = p->dictionary_packed;
    for (size_t i = 0; i < s->entry_count; i++) {
        s->entries[i].packed_size = p->sizes[i];
        s->entries[i].plain = p->plain[i];
    }
}

static void packing_release(struct packing *p) {
    buf_release(&p->packed);
    free(p->sizes);
    free(p->plain);
}

int archive_shelf_pack(struct archive_shelf *s, struct err *err) {
    bool used = false; /* a span that nobody refers to makes readers stumble */
    int rc = pack_all(s, s->dictionary.size == 0, err);
    for (size_t i = 0; i < s->entry_count; i++)
        used = used || !s->entries[i].plain;
    /* Chunks that have little in common may be better off alone. */
    if (rc == BD_OK && s->dictionary_packed && (!used || s->packed.size * 3 > s->chunk_bytes)) {
        struct packing with;
        packing_take(&with, s);
        rc = pack_all(s, true, err);
        if (used && s->packed.size >= with.packed.size + 8) /* the dictionary stands in the index too */
            packing_give_back(&with, s);
        packing_release(&with);
    }
    return rc == BD_OK ? read_back(s, err) : rc;
}

/* The room that plain chunks took is not needed again: they come first. */
static void empty(struct buf *b) {
    if (b->capacity > KEPT_MAX)
        buf_release(b);
    else
        buf_clear(b);
}

int archive_shelf_write(struct archive_shelf *s, struct archive_output *o, uint32_t *dictionaries,
                        struct err *err) {
    const char *at = s->packed.data;
    uint32_t dictionary = 0, span;
    int rc = BD_OK;
    if (s->dictionary_packed) {
        rc = archive_output_span(o, at, s->dictionary_packed, &dictionary, err);
        at += s->dictionary_packed;
        *dictionaries += 1;
    }
    for (size_t i = 0; i < s->entry_count && rc == BD_OK; i++) {
        const struct entry *e = &s->entries[i];
        rc = archive_output_span(o, at, e->packed_size, &span, err);
        if (rc == BD_OK)
            archive_output_chunk(o, &e->address, e->plain ? 0 : dictionary, span);
        at += e->packed_size;
    }
    s->entry_count = s->piece_count = s->dictionary_packed = 0;
    s->chunk_bytes = 0;
    s->drift = s->drift_max = 0; /* the next chunk starts afresh */
    empty(&s->literals);
    empty(&s->dictionary);
    empty(&s->packed);
    return rc;
}
