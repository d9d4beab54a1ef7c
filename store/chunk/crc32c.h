/* CRC-32C (Castagnoli): the checksum of journal records and of table-file chunk records. */
#ifndef STORE_CHUNK_CRC32C_H
#define STORE_CHUNK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t size);

/* Continues a checksum: crc32c_extend(crc32c(a), b) == crc32c(a ‖ b). */
uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t size);

/* The same by table look-up alone, whatever the processor can do; for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t size);

#endif
