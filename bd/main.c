/* Entry point. The command layer is bd/cmd. */
#include "base/crypto.h"
#include "bd/cmd/cmd.h"

#include <stddef.h>

#ifdef BD_LATE_CRYPTO
/* What libcrypto calls at the start, and what it meant (linked with --wrap). */
void __wrap_OPENSSL_cpuid_setup(void);
void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void) {}
#if defined(__x86_64__) && defined(__has_include) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
/* The C library has asked the processor already; libcrypto wants the same words (OPENSSL_ia32cap(3)),
 * but with the bit of XOP where Intel has another. */
extern unsigned OPENSSL_ia32cap_P[];
static void tell_crypto(void) {
    const unsigned *first = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1)->active_array,
                   *seventh = __x86_get_cpuid_feature_leaf(CPUID_INDEX_7)->active_array;
    enum { EBX = 1, ECX, EDX };
    OPENSSL_ia32cap_P[0] = first[EDX];
    OPENSSL_ia32cap_P[1] = first[ECX] & ~(1u << 11);
    OPENSSL_ia32cap_P[2] = seventh[EBX];
    OPENSSL_ia32cap_P[3] = seventh[ECX];
}
#define CRYPTO_START tell_crypto
#else
#define CRYPTO_START __real_OPENSSL_cpuid_setup
#endif
#else
#define CRYPTO_START NULL
#endif

int main(int argc, char **argv) {
    crypto_start_hook = CRYPTO_START;
    return cmd_main(argc, argv);
}
