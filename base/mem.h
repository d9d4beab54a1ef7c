/*
 * Heap memory, growable buffers and arenas.
 *
 * Allocation never returns NULL: when memory is gone the process says so and aborts, which leaves the
 * store as after a kill (every acknowledged write is safe, see store/chunk). Sizes that come from a
 * disk or a socket are therefore bounded by their parser before they reach these functions.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);                /* release with free(); size 0 gives a unique pointer */
void *mem_zalloc(size_t count, size_t size); /* zeroed; checks count * size for overflow */
void *mem_realloc(void *old, size_t size);
/* realloc to count * size with overflow check */
void *mem_resize(void *old, size_t count, size_t size);
/* Fetches so much memory at once, for a process that knows it will need it: page by page costs a fault
 * each, which in a virtual machine takes longer than most of what is done with a page. */
void mem_expect(size_t size);
char *mem_strdup(const char *s);
/* Gives the system back what was freed: the allocator keeps many small pieces, once for each thread.
 * For the end of a large piece of work, not for loops. */
void mem_give_back(void);

/* From now on large blocks (512 KB) go back to the system as soon as they are freed: for work whose
 * buffers are of ever new sizes. */
void mem_return_large(void);
void *mem_dup(const void *bytes, size_t size);

/* Makes room for at least `need` items in a vector of items of `item_size` (doubling). */
#define MEM_GROW(vector, capacity, need)                                                               \
    do {                                                                                               \
        if ((size_t)(need) > (size_t)(capacity)) {                                                     \
            size_t mem_grow_cap_ = (capacity) ? (size_t)(capacity)*2 : 8;                              \
            if (mem_grow_cap_ < (size_t)(need))                                                        \
                mem_grow_cap_ = (size_t)(need);                                                        \
            (vector) = mem_resize((vector), mem_grow_cap_, sizeof *(vector));                          \
            (capacity) = mem_grow_cap_;                                                                \
        }                                                                                              \
    } while (0)

/* --- buf: a growable byte string; data is NUL-terminated after every append (NUL not counted) --- */
struct buf {
    char *data; /* NULL while empty */
    size_t size;
    size_t capacity;
};
#define BUF_INIT                                                                                       \
    { NULL, 0, 0 }

void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* size = 0, keeps the memory */
void buf_reserve(struct buf *b, size_t more);
/* These append. */
void buf_add(struct buf *b, const void *bytes, size_t size);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* The text (never NULL, "" when empty), still owned by b. */
const char *buf_str(const struct buf *b);
/* Hands the NUL-terminated text to the caller (free()); b becomes empty. */
char *buf_detach(struct buf *b);

/* --- arena: many allocations, one release; memory is not zeroed and never moves --- */
struct arena_block;
struct arena {
    struct arena_block *head;
    char *next, *end;
};
#define ARENA_INIT                                                                                     \
    { NULL, NULL, NULL }

void arena_release(struct arena *a); /* frees everything; *a is empty and usable again */
/* Takes over everything allocated in `from`, which is empty afterwards. */
void arena_absorb(struct arena *a, struct arena *from);
/* Forgets everything allocated, keeping one block for reuse. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t size); /* aligned to 16 */
/* The same, zeroed; copies; a text as printf makes it. */
void *arena_zalloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);               /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t size); /* adds the NUL */
void *arena_dup(struct arena *a, const void *bytes, size_t size);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
