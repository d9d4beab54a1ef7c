/*
 * An arena is a list of blocks, each twice as large as the one before up to a limit, freed together.
 * Buffers double too, so that appending costs the same however much there is.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Noreturn void out_of_memory(size_t size) {
    fprintf(stderr, "bd: out of memory (%zu bytes asked for)\n", size);
    abort();
}

void *mem_alloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory(count);
    return p;
}

void *mem_realloc(void *old, size_t size) {
    void *p = realloc(old, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(count);
    return mem_realloc(old, total);
}

void mem_give_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mem_return_large(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 512 << 10); /* else it grows with what is freed */
#endif
}

void mem_expect(size_t size) {
#if defined(__GLIBC__) && defined(MADV_POPULATE_WRITE)
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* it is to come from the heap, and to stay there */
    mallopt(M_TRIM_THRESHOLD, 2 << 20);
    char *p = malloc(size);
    if (!p)
        return;
    uintptr_t page = 4096, first = ((uintptr_t)p + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)p + size) & ~(page - 1);
    if (first < end) /* where this is refused the pages come one by one */
        madvise((void *)first, end - first, MADV_POPULATE_WRITE);
    free(p);
#else
    (void)size;
#endif
}

char *mem_strdup(const char *s) { return mem_dup(s, strlen(s) + 1); }

void *mem_dup(const void *bytes, size_t size) {
    void *p = mem_alloc(size);
    if (size)
        memcpy(p, bytes, size);
    return p;
}

void buf_release(struct buf *b) {
    free(b->data);
    *b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b) {
    b->size = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_reserve(struct buf *b, size_t more) {
    size_t need;
    if (__builtin_add_overflow(b->size, more, &need) || need == SIZE_MAX)
        out_of_memory(more);
    MEM_GROW(b->data, b->capacity, need + 1);
}

void buf_add(struct buf *b, const void *bytes, size_t size) {
    buf_reserve(b, size);
    if (size)
        memcpy(b->data + b->size, bytes, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void buf_add_str(struct buf *b, const char *s) { buf_add(b, s, strlen(s)); }

void buf_add_char(struct buf *b, char c) { buf_add(b, &c, 1); }

#define PRINT_ROOM 64u /* most of what is printed fits at once; the rest is printed twice */

void buf_vaddf(struct buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    if (b->capacity - b->size < PRINT_ROOM)
        buf_reserve(b, PRINT_ROOM);
    size_t room = b->capacity - b->size;
    int size = vsnprintf(b->data + b->size, room, fmt, ap);
    if (size > 0 && (size_t)size >= room) {
        buf_reserve(b, (size_t)size);
        vsnprintf(b->data + b->size, (size_t)size + 1, fmt, again);
    }
    if (size > 0)
        b->size += (size_t)size;
    else
        b->data[b->size] = '\0';
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

const char *buf_str(const struct buf *b) { return b->data ? b->data : ""; }

char *buf_detach(struct buf *b) {
    char *data = b->data ? b->data : mem_strdup("");
    *b = (struct buf)BUF_INIT;
    return data;
}

struct arena_block {
    struct arena_block *older;
    size_t size; /* usable bytes behind the header */
};

#define ARENA_ALIGN 16u
#define ARENA_FIRST_BLOCK 4096u
#define ARENA_LARGEST_BLOCK (1u << 20)
#define ARENA_HEADER ((sizeof(struct arena_block) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

void arena_release(struct arena *a) {
    while (a->head) {
        struct arena_block *older = a->head->older;
        free(a->head);
        a->head = older;
    }
    *a = (struct arena)ARENA_INIT;
}

void arena_absorb(struct arena *a, struct arena *from) {
    if (!a->head) {
        *a = *from;
    } else if (from->head) {
        struct arena_block *oldest = from->head;
        while (oldest->older)
            oldest = oldest->older;
        oldest->older = a->head->older;
        a->head->older = from->head;
    }
    *from = (struct arena)ARENA_INIT;
}

void arena_reset(struct arena *a) {
    if (!a->head)
        return;
    struct arena_block *keep = a->head;
    for (struct arena_block *b = keep->older, *older; b; b = older) {
        older = b->older;
        free(b);
    }
    keep->older = NULL;
    a->next = (char *)keep + ARENA_HEADER;
    a->end = a->next + keep->size;
}

static void arena_grow(struct arena *a, size_t size) {
    size_t block = a->head ? a->head->size * 2 : ARENA_FIRST_BLOCK;
    if (block > ARENA_LARGEST_BLOCK)
        block = ARENA_LARGEST_BLOCK;
    if (block < size)
        block = size;
    size_t total;
    if (__builtin_add_overflow(block, ARENA_HEADER, &total))
        out_of_memory(size);
    struct arena_block *b = mem_alloc(total);
    b->older = a->head;
    b->size = block;
    a->head = b;
    a->next = (char *)b + ARENA_HEADER;
    a->end = a->next + block;
}

void *arena_alloc(struct arena *a, size_t size) {
    size_t rounded;
    if (__builtin_add_overflow(size, ARENA_ALIGN - 1, &rounded))
        out_of_memory(size);
    rounded = rounded / ARENA_ALIGN * ARENA_ALIGN;
    if (!a->head || rounded > (size_t)(a->end - a->next))
        arena_grow(a, rounded);
    void *p = a->next;
    a->next += rounded;
    return p;
}

void *arena_zalloc(struct arena *a, size_t size) {
    void *p = arena_alloc(a, size);
    memset(p, 0, size);
    return p;
}

void *arena_dup(struct arena *a, const void *bytes, size_t size) {
    void *p = arena_alloc(a, size);
    if (size)
        memcpy(p, bytes, size);
    return p;
}

char *arena_strdup(struct arena *a, const char *s) { return s ? arena_dup(a, s, strlen(s) + 1) : NULL; }

char *arena_strndup(struct arena *a, const char *s, size_t size) {
    char *p = arena_alloc(a, size + 1);
    if (size)
        memcpy(p, s, size);
    p[size] = '\0';
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t room = a->head ? (size_t)(a->end - a->next) : 0;
    int size = vsnprintf(a->next, room, fmt, ap);
    bool fits = size >= 0 && (size_t)size + ARENA_ALIGN <= room;
    char *p = arena_alloc(a, (size_t)(size > 0 ? size : 0) + 1);
    if (!fits) {
        p[0] = '\0';
        if (size > 0)
            vsnprintf(p, (size_t)size + 1, fmt, again);
    }
    va_end(again);
    va_end(ap);
    return p;
}
