/*
 * Many small files of a bare store become one: every sync of a backup adds a file, and lookups go
 * through all of them.
 */
#ifndef STORE_REMOTE_CONJOIN_H
#define STORE_REMOTE_CONJOIN_H

#include "store/chunk/lock.h"
#include "store/chunk/manifest.h"

/* With more files than this a store is worth it. Tests lower it. */
extern size_t conjoin_at;

/*
 * Copies the chunks of all small files, reachable or not, into one new file, puts that into the
 * manifest in their place, and removes them; root and collection generation stay. Whoever adds files
 * meanwhile is not disturbed. Nothing to do is BD_OK. The lock is taken for the manifest alone.
 */
int conjoin_small_files(const char *dir, struct store_lock *lock, struct err *err);

#endif
