/*
 * How large the processor's caches are, asked with four CPUID instructions.
 *
 * Before main, glibc asks that with about 55 (leaf 2 again and again, for twelve numbers), and in a
 * virtual machine each takes 6 to 12 us, together more than everything else a small command does. The
 * build puts a jump to start_cache_size over glibc's function (tools/start_patch.c says when), so this
 * runs before anything is set up: no other function may be called, no register but rax may change, and
 * it must answer what glibc would.
 */
#include "base/start.h"

#if defined(__x86_64__) && defined(__linux__)

/* sysconf's numbers: for each of L1i, L1d, L2, L3, L4 the size, the ways, the line size. */
#define FIRST_NAME 185 /* _SC_LEVEL1_ICACHE_SIZE */
#define NAMES 15

/* Thread-local memory, where a stack protector keeps its word, is not there yet. */
#if defined(__has_attribute) && __has_attribute(no_stack_protector)
#define EARLY used, target("general-regs-only"), no_instrument_function, no_stack_protector
#else
#define EARLY used, target("general-regs-only"), no_instrument_function
#endif

__attribute__((EARLY)) long start_cache_answer(int name) {
    static long answers[NAMES];
    static char asked;
    for (unsigned i = 0; !asked && i < 8; i++) {
        unsigned a = 4, b, c = i, d;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        unsigned kind = a & 31, level = a >> 5 & 7; /* kinds: 1 data, 2 instructions, 3 both */
        if (kind == 0)
            break;
        if (kind > 3 || level == 0 || level > 4)
            continue;
        long *to = answers + 3 * (level == 1 ? kind != 2 : level);
        long ways = (long)(b >> 22) + 1, parts = (long)(b >> 12 & 0x3ff) + 1,
             line = (long)(b & 0xfff) + 1;
        to[0] = ways * parts * line * ((long)c + 1);
        to[1] = ways;
        to[2] = line;
        if (level >= 3) /* the last one, but on very few; each question costs */
            break;
    }
    asked = 1;
    return name >= FIRST_NAME && name < FIRST_NAME + NAMES ? answers[name - FIRST_NAME] : 0;
}

__asm__(".pushsection .text.start_cache_size, \"ax\", @progbits\n"
        ".globl start_cache_size\n"
        ".type start_cache_size, @function\n"
        "start_cache_size:\n"
        "    push %rcx\n    push %rdx\n    push %rsi\n    push %rdi\n"
        "    push %r8\n    push %r9\n    push %r10\n    push %r11\n"
        "    call start_cache_answer\n"
        "    pop %r11\n    pop %r10\n    pop %r9\n    pop %r8\n"
        "    pop %rdi\n    pop %rsi\n    pop %rdx\n    pop %rcx\n"
        "    ret\n"
        ".size start_cache_size, . - start_cache_size\n"
        ".popsection\n");

#else

long start_cache_answer(int name) {
    (void)name;
    return 0;
}

#endif
