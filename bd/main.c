/* Entry point. The command layer is bd/cmd. */
#include "base/crypto.h"
#include "bd/cmd/cmd.h"

#include <stddef.h>

#ifdef BD_LATE_CRYPTO
/* What libcrypto calls at the start, and what it meant (linked with --wrap). */
void __wrap_OPENSSL_cpuid_setup(void);
void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void) {}
#define CRYPTO_START __real_OPENSSL_cpuid_setup
#else
#define CRYPTO_START NULL
#endif

int main(int argc, char **argv) {
    crypto_start_hook = CRYPTO_START;
    return cmd_main(argc, argv);
}
