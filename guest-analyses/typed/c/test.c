// Runs on this machine, without a sandbox: cc -o test test.c && ./test
#include <assert.h>
#include <string.h>

#include "lines.h"

static struct lines it;

static bool measure(const char *text, uint64_t bytes_max) {
    it = (struct lines){.bytes_max = bytes_max};
    for (size_t at = 0; at < strlen(text); at++) lines_feed(&it, (const uint8_t *)text + at, 1);
    return lines_end(&it);
}

int main(void) {
    assert(measure("", 0) && it.lines == 0 && it.longest_line == 0);
    assert(measure("one\ntwo two\n", 5) && it.lines == 2 && it.longest_line == 2 && it.longest_bytes == 7);
    assert(it.over == 1 && it.listed[0].line == 2 && it.listed[0].bytes == 7);
    assert(!measure("one\r\n\r\nt\rwo", 3) && it.lines == 3 && it.crlf == 2 && it.longest_bytes == 4 && it.over == 1);
    return 0;
}
