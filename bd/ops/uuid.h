/* Row identifiers of comments, events and dependencies. */
#ifndef BD_OPS_UUID_H
#define BD_OPS_UUID_H

#include <stdint.h>

#define UUID_TEXT_SIZE 37
void uuid_v4(char out[UUID_TEXT_SIZE]);
/* Time-ordered: 48 bits of milliseconds, then random bits. Calls within one process only ever grow. */
void uuid_v7(int64_t now_micros, char out[UUID_TEXT_SIZE]);

#endif
