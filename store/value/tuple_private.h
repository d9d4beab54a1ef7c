/* Shared by tuple.c and tuple_codec.c, and by the check of stored fields (store/db/fsck_schema.c). */
#ifndef STORE_VALUE_TUPLE_PRIVATE_H
#define STORE_VALUE_TUPLE_PRIVATE_H

#include "store/value/schema.h"

#include <stddef.h>

/* Width of a fixed-width encoding, else 0. */
size_t tuple_fixed_size(enum encoding e);

#endif
