/* One question for the whole life of the program. */
#include "base/crypto.h"

#include <pthread.h>
#include <stddef.h>

void (*crypto_start_hook)(void) = NULL;

static void start(void) {
    if (crypto_start_hook)
        crypto_start_hook();
}

void crypto_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}
