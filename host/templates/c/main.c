// An analysis for Belljar: the file and the args are its command line (`argv` in descriptor.json), what it prints is the
// result, what it says on stderr is its log, and an exit code other than 0 is a failure with that log as the reason.
#include <stdio.h>
#include <stdlib.h>

#include "words.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE LETTERS_MIN\n", argv[0]);
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) {
        perror(argv[1]);
        return 1;
    }
    struct words words = words_new(strtoul(argv[2], NULL, 10));
    static unsigned char block[65536];
    for (size_t count; (count = fread(block, 1, sizeof block, file)) > 0;) {
        words_feed(&words, block, count);
    }
    if (ferror(file)) {
        perror(argv[1]);
        return 1;
    }
    printf("{\"words\": %lu}\n", words_end(&words));
    return 0;
}
