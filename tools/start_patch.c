/*
 * Spares a static executable most of the CPUID instructions that glibc executes before main: puts a
 * jump to start_cache_size (base/start.c) over handle_intel, which finds the sizes of the caches, and a
 * return over get_common_cache_info, which divides the last cache by the processors that share it. (So
 * memcpy goes around the caches from three quarters of the whole cache on, not of a share of it.)
 *
 * usage: start_patch FILE
 *
 * Only where the file is what is expected: 64-bit x86 ELF with its symbols, each function once, and in
 * it the very instructions of the glibc this was made for (2.36). Anything else stays as it is, which
 * is slower and right as well. Exit status 1 only when the file cannot be read or written.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY -1 /* a byte that depends on where things lie */

/* handle_intel (int name), with the processor's facts at a fixed address. */
static const short handle_intel[] = {
    0x83, 0x3d, ANY,  ANY,  ANY,  ANY,  0x01,                   /* cmpl $1, maxidx(%rip) */
    0x0f, 0x86, ANY,  ANY,  0x00, 0x00,                         /* jbe */
    0x41, 0x57, 0xb8, 0x02, 0x00, 0x00, 0x00,                   /* push %r15; mov $2, %eax */
    0x41, 0x89, 0xff,                                           /* mov %edi, %r15d: the name */
    0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x55, 0x53,             /* pushes */
    0x48, 0x83, 0xec, 0x18,                                     /* sub $24, %rsp */
    0xc6, 0x44, 0x24, 0x0e, 0x00, 0xc6, 0x44, 0x24, 0x0f, 0x00, /* two flags */
    0x0f, 0xa2,                                                 /* cpuid */
};
/* get_common_cache_info (long *shared, unsigned *threads, long core) */
static const short get_common_cache_info[] = {
    0x41, 0x57, 0x49, 0x89, 0xf8,                         /* push %r15; mov %rdi, %r8 */
    0x8b, 0x05, ANY,  ANY,  ANY,  ANY,                    /* mov family(%rip), %eax */
    0x49, 0x89, 0xf1, 0x41, 0x56,                         /* mov %rsi, %r9; push %r14 */
    0x44, 0x8b, 0x1d, ANY,  ANY,  ANY,  ANY,              /* mov kind(%rip), %r11d */
    0x48, 0x89, 0xd7, 0x49, 0x89, 0xca, 0x41, 0x55,       /* moves; push %r13 */
    0x44, 0x8b, 0x35, ANY,  ANY,  ANY,  ANY,              /* mov maxidx(%rip), %r14d */
    0x41, 0x54, 0x55, 0x53,                               /* pushes */
    0x8b, 0x1d, ANY,  ANY,  ANY,  ANY,  0x4d, 0x8b, 0x20, /* mov model(%rip), %ebx; mov (%r8), %r12 */
};

struct file {
    unsigned char *bytes;
    size_t size;
};

static int inside(const struct file *f, uint64_t offset, uint64_t size) {
    return offset <= f->size && size <= f->size - offset;
}

/* Where the bytes of an address stand in the file; 0 when they do not. */
static size_t offset_of(const struct file *f, const Elf64_Ehdr *head, uint64_t address, size_t size) {
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, f->bytes + head->e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_LOAD && address >= p.p_vaddr && address - p.p_vaddr <= p.p_filesz &&
            size <= p.p_filesz - (address - p.p_vaddr) &&
            inside(f, p.p_offset + (address - p.p_vaddr), size))
            return (size_t)(p.p_offset + (address - p.p_vaddr));
    }
    return 0;
}

/* The one function of that name (a suffix the compiler gave it does not count); value 0: none. */
static Elf64_Sym find(const struct file *f, const Elf64_Ehdr *head, const char *name) {
    Elf64_Sym found = {0}, none = {0};
    size_t length = strlen(name);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        Elf64_Shdr symbols, texts;
        memcpy(&symbols, f->bytes + head->e_shoff + i * sizeof symbols, sizeof symbols);
        if (symbols.sh_type != SHT_SYMTAB || symbols.sh_link >= head->e_shnum)
            continue;
        memcpy(&texts, f->bytes + head->e_shoff + symbols.sh_link * sizeof texts, sizeof texts);
        if (!inside(f, symbols.sh_offset, symbols.sh_size) ||
            !inside(f, texts.sh_offset, texts.sh_size))
            return none;
        for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym s;
            memcpy(&s, f->bytes + symbols.sh_offset + at, sizeof s);
            if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_name >= texts.sh_size ||
                texts.sh_size - s.st_name <= length)
                continue;
            const char *text = (const char *)f->bytes + texts.sh_offset + s.st_name;
            if (strncmp(text, name, length) != 0 || (text[length] != '\0' && text[length] != '.'))
                continue;
            if (found.st_value)
                return none;
            found = s;
        }
    }
    return found;
}

/* The function's first bytes, if they are the expected ones. */
static unsigned char *code_of(const struct file *f, const Elf64_Ehdr *head, const char *name,
                              const short *expected, size_t length, Elf64_Sym *symbol) {
    *symbol = find(f, head, name);
    size_t at = symbol->st_value && symbol->st_size >= length
                    ? offset_of(f, head, symbol->st_value, length)
                    : 0;
    for (size_t i = 0; at && i < length; i++)
        if (expected[i] != ANY && f->bytes[at + i] != expected[i])
            return NULL;
    return at ? f->bytes + at : NULL;
}

static int patch(struct file *f) {
    Elf64_Ehdr head;
    if (f->size < sizeof head)
        return 0;
    memcpy(&head, f->bytes, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_machine != EM_X86_64 || head.e_type != ET_EXEC ||
        head.e_phentsize != sizeof(Elf64_Phdr) || head.e_shentsize != sizeof(Elf64_Shdr) ||
        !inside(f, head.e_phoff, (uint64_t)head.e_phnum * sizeof(Elf64_Phdr)) ||
        !inside(f, head.e_shoff, (uint64_t)head.e_shnum * sizeof(Elf64_Shdr)))
        return 0;
    Elf64_Sym ours = find(f, &head, "start_cache_size");
    Elf64_Sym sizes, share;
    const size_t sizes_length = sizeof handle_intel / sizeof *handle_intel;
    const size_t share_length = sizeof get_common_cache_info / sizeof *get_common_cache_info;
    unsigned char *size_code = code_of(f, &head, "handle_intel", handle_intel, sizes_length, &sizes);
    unsigned char *share_code =
        code_of(f, &head, "get_common_cache_info", get_common_cache_info, share_length, &share);
    int64_t distance = (int64_t)(ours.st_value - (sizes.st_value + 5));
    if (!ours.st_value || !size_code || !share_code || distance > INT32_MAX || distance < INT32_MIN)
        return 0;
    int32_t jump = (int32_t)distance;
    size_code[0] = 0xe9;
    memcpy(size_code + 1, &jump, sizeof jump);
    share_code[0] = 0xc3; /* ret: what it is given stays as it is */
    return 1;
}

int main(int argc, char **argv) {
    struct file f = {NULL, 0};
    FILE *in = argc == 2 ? fopen(argv[1], "r+b") : NULL;
    long size = -1;
    if (in && fseek(in, 0, SEEK_END) == 0)
        size = ftell(in);
    if (size < 0 || fseek(in, 0, SEEK_SET) != 0 || !(f.bytes = malloc((size_t)size + 1)) ||
        (f.size = fread(f.bytes, 1, (size_t)size, in)) != (size_t)size) {
        fprintf(stderr, "start_patch: cannot read %s\n", argc > 1 ? argv[1] : "(no file named)");
        return 1;
    }
    if (!patch(&f)) {
        fprintf(stderr, "start_patch: %s keeps the start of its C library\n", argv[1]);
    } else if (fseek(in, 0, SEEK_SET) != 0 || fwrite(f.bytes, 1, f.size, in) != f.size) {
        fprintf(stderr, "start_patch: cannot write %s\n", argv[1]);
        return 1;
    }
    free(f.bytes);
    return fclose(in) == 0 ? 0 : 1;
}
