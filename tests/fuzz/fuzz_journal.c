/*
 * Journal replay, the search for lost data, and the decoding of payloads. When the first byte is odd,
 * the checksums of the records that follow are made right first, so that what they protect is reached.
 */
#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/crc32c.h"
#include "store/chunk/journal_record.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void make_checksums_right(uint8_t *bytes, size_t size) {
    for (size_t at = 0; at + 8 <= size;) {
        uint32_t length = read_u32(bytes + at);
        if (length < 8 || length > size - at)
            return;
        if (length >= JOURNAL_CHUNK_OVERHEAD + 4 && bytes[at + 5] == JOURNAL_CHUNK) {
            uint8_t *payload = bytes + at + JOURNAL_CHUNK_PAYLOAD;
            size_t body = length - JOURNAL_CHUNK_OVERHEAD - 4;
            write_u32(payload + body, crc32c(payload, body));
        }
        write_u32(bytes + at + length - 4, crc32c(bytes + at, length - 4));
        at += length;
    }
}

static int decode(void *ctx, uint64_t offset, const uint8_t *bytes, const struct journal_record *r,
                  struct err *err) {
    uint64_t *end = ctx;
    if (offset != *end || r->size < 8 || r->payload_offset + r->payload_size > r->size)
        abort(); /* records follow each other without a gap */
    *end += r->size;
    uint8_t *data;
    size_t size;
    if (r->kind == JOURNAL_CHUNK &&
        codec_decode_snappy(bytes + r->payload_offset, r->payload_size, &data, &size, err) == BD_OK)
        free(data);
    return BD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (size == 0)
        return 0;
    if (fd < 0)
        fd = memfd_create("journal", 0);
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        make_checksums_right(bytes, size - 1);
    if (os_ftruncate(fd, 0) < 0 || os_pwrite_all(fd, bytes, size - 1, 0) < 0)
        abort();
    free(bytes);
    struct err err = ERR_INIT;
    struct journal_walk_end end;
    uint64_t walked = 0;
    bool found;
    if (journal_walk(fd, "journal", 0, size - 1, decode, &walked, &end, &err) == BD_OK) {
        if (walked != end.offset || end.offset > size - 1)
            abort();
        (void)journal_find_loss(fd, "journal", end.offset, size - 1, &found, &err);
    }
    return 0;
}
