// Counts the words of a text, block by block.
#include <stdbool.h>
#include <stddef.h>

struct words {
    unsigned long letters_min, letters, words;
    bool inside;
};

static inline struct words words_new(unsigned long letters_min) {
    return (struct words){.letters_min = letters_min};
}

static inline void words_feed(struct words *it, const unsigned char *bytes, size_t count) {
    for (size_t at = 0; at < count; at++) {
        unsigned char byte = bytes[at];
        bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
        if (space && it->inside) {
            it->words += it->letters >= it->letters_min;
            it->letters = 0;
        }
        // The first byte of a character in UTF-8; the others begin with 10.
        it->letters += !space && (byte & 0xC0) != 0x80;
        it->inside = !space;
    }
}

static inline unsigned long words_end(struct words *it) {
    words_feed(it, (const unsigned char *)"\n", 1);
    return it->words;
}
