// Runs on this machine, without a sandbox: cc -o test test.c && ./test
#include <assert.h>
#include <string.h>

#include "words.h"

static unsigned long count(const char *text, unsigned long letters_min) {
    struct words words = words_new(letters_min);
    for (size_t at = 0; at < strlen(text); at++) words_feed(&words, (const unsigned char *)text + at, 1);
    return words_end(&words);
}

int main(void) {
    assert(count("one or two", 0) == 3);
    assert(count("one or two", 3) == 2);
    assert(count(" tr\xC3\xA8s\n", 4) == 1);
    assert(count("tr\xC3\xA8s", 5) == 0);
    assert(count("", 0) == 0);
    return 0;
}
