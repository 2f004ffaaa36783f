// Measures the lines of a text, block by block. Nothing here knows of a sandbox, so that tests need none.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTED_MAX 1000

struct lines {
    uint64_t bytes_max, lines, longest_line, longest_bytes, crlf, over;
    struct { uint64_t line, bytes; } listed[LISTED_MAX];
    uint64_t bytes;  // of the line that is being read
    bool inside, after_cr;
};

static inline void lines_count(struct lines *it, uint64_t bytes) {
    it->lines++;
    if (bytes > it->longest_bytes) {
        it->longest_bytes = bytes;
        it->longest_line = it->lines;
    }
    if (bytes > it->bytes_max) {
        if (it->over < LISTED_MAX) {
            it->listed[it->over].line = it->lines;
            it->listed[it->over].bytes = bytes;
        }
        it->over++;
    }
    it->bytes = 0;
}

static inline void lines_feed(struct lines *it, const uint8_t *bytes, size_t count) {
    for (size_t at = 0; at < count; at++) {
        it->inside = bytes[at] != '\n';
        if (it->inside) {
            it->bytes++;
        } else {
            it->crlf += it->after_cr;
            lines_count(it, it->bytes - it->after_cr);
        }
        it->after_cr = bytes[at] == '\r';
    }
}

// Tells whether the last line had its end.
static inline bool lines_end(struct lines *it) {
    if (it->inside) lines_count(it, it->bytes);
    return !it->inside;
}
