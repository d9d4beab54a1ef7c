/* Row identifiers of comments, events and dependencies. */
#ifndef BD_OPS_UUID_H
#define BD_OPS_UUID_H

#include <stdint.h>

#define UUID_TEXT_SIZE 37
void uuid_v4(char out[UUID_TEXT_SIZE]);
/* Time-ordered: 48 bits of milliseconds, then random bits. Calls within one process only ever grow. */
void uuid_v7(int64_t now_micros, char out[UUID_TEXT_SIZE]);
/* The form of a version 7 UUID with a given time and 10 bytes of a digest in place of random bits. */
void uuid_from_hash(int64_t micros, const uint8_t digest[10], char out[UUID_TEXT_SIZE]);

#endif
