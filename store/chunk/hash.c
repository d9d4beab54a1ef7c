/*
 * SHA-512/20 and its base32 text. The low-level SHA512 functions of libcrypto are used because they
 * need no library initialisation, which would cost more than a whole command.
 */
#include "store/chunk/hash.h"

#include "base/crypto.h"

#include <openssl/sha.h>

struct hash hash_of(const void *bytes, size_t size) {
    SHA512_CTX ctx;
    uint8_t digest[SHA512_DIGEST_LENGTH];
    crypto_start();
    SHA512_Init(&ctx);
    SHA512_Update(&ctx, bytes, size);
    SHA512_Final(digest, &ctx);
    struct hash h;
    memcpy(h.b, digest, HASH_SIZE);
    return h;
}

void hash_format(const struct hash *h, char text[HASH_TEXT_SIZE + 1]) {
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
    /* Five bytes make eight characters. */
    for (int group = 0; group < 4; group++) {
        uint64_t bits = 0;
        for (int i = 0; i < 5; i++)
            bits = bits << 8 | h->b[group * 5 + i];
        for (int i = 0; i < 8; i++)
            text[group * 8 + i] = alphabet[bits >> (35 - 5 * i) & 31];
    }
    text[HASH_TEXT_SIZE] = '\0';
}

bool hash_parse(const char *text, size_t size, struct hash *h) {
    if (size != HASH_TEXT_SIZE)
        return false;
    struct hash value;
    for (int group = 0; group < 4; group++) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; i++) {
            char c = text[group * 8 + i];
            unsigned digit;
            if (c >= '0' && c <= '9')
                digit = (unsigned)(c - '0');
            else if (c >= 'a' && c <= 'v')
                digit = (unsigned)(c - 'a') + 10;
            else
                return false;
            bits = bits << 5 | digit;
        }
        for (int i = 0; i < 5; i++)
            value.b[group * 5 + i] = (uint8_t)(bits >> (32 - 8 * i));
    }
    *h = value;
    return true;
}

bool hash_is_zero(const struct hash *h) {
    static const struct hash zero;
    return memcmp(h->b, zero.b, HASH_SIZE) == 0;
}
