// An analysis for Belljar: a component of the world in wit/, which asks for the bytes it wants and returns JSON. The header
// is generated from that world; what is given to it or taken from it in `ret` and `err` is freed by who gets it.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bindings/analysis.h"
#include "lines.h"

#define BLOCK_BYTES 65536

// Args are checked by the host, its defaults are filled in, and they come in one way of writing JSON (RFC 8785): with the
// schema in descriptor.json, they are this and nothing else.
static bool read_args(analysis_string_t args, uint64_t *bytes_max) {
    char text[64];
    if (args.len >= sizeof text) return false;
    memcpy(text, args.ptr, args.len);
    text[args.len] = '\0';
    return sscanf(text, "{\"bytes_max\":%" SCNu64 "}", bytes_max) == 1;
}

// A file with the lines that are too long, and its path, which becomes a link to it.
static bool list(const struct lines *lines, analysis_string_t *path, analysis_string_t *err) {
    static char csv[16 + LISTED_MAX * 42];
    size_t length = (size_t)sprintf(csv, "line,bytes\n");
    for (size_t at = 0; at < lines->over && at < LISTED_MAX; at++) {
        length += (size_t)sprintf(csv + length, "%" PRIu64 ",%" PRIu64 "\n", lines->listed[at].line, lines->listed[at].bytes);
    }
    analysis_string_t name;
    analysis_string_set(&name, "over.csv");
    belljar_analysis_report_own_artifact_t file;
    if (!belljar_analysis_report_static_artifact_create(&name, &file, err)) return false;
    belljar_analysis_report_borrow_artifact_t borrowed = belljar_analysis_report_borrow_artifact(file);
    analysis_list_u8_t bytes = {(uint8_t *)csv, length};
    bool written = belljar_analysis_report_method_artifact_write(borrowed, &bytes, err);
    if (written) belljar_analysis_report_method_artifact_path(borrowed, path);
    belljar_analysis_report_artifact_drop_own(file);
    return written;
}

// True with the result, or false with a sentence for the person who asked.
bool exports_analysis_analyse(analysis_string_t *args, analysis_string_t *ret, analysis_string_t *err) {
    uint64_t bytes_max;
    bool understood = read_args(*args, &bytes_max);
    analysis_string_free(args);
    if (!understood) {
        analysis_string_dup(err, "the args are not those of descriptor.json");
        return false;
    }
    static struct lines lines;
    lines = (struct lines){.bytes_max = bytes_max};
    uint64_t offset = 0;
    for (analysis_list_u8_t block;; analysis_list_u8_free(&block)) {
        belljar_analysis_sample_read(offset, BLOCK_BYTES, &block);
        if (block.len == 0) break;
        lines_feed(&lines, block.ptr, block.len);
        offset += block.len;
    }
    bool ended = lines_end(&lines);
    if (lines.crlf > 0 && lines.crlf + !ended < lines.lines) {
        analysis_string_t message;
        analysis_string_set(&message, "some lines end as on Windows, and some do not");
        belljar_analysis_report_log(BELLJAR_ANALYSIS_REPORT_LEVEL_WARN, &message);
    }
    char text[512], listed[128] = "";
    if (lines.over > 0) {
        analysis_string_t path;
        if (!list(&lines, &path, err)) return false;
        snprintf(listed, sizeof listed, ",\"list\":\"%.*s\"", (int)path.len, (const char *)path.ptr);
        analysis_string_free(&path);
    }
    snprintf(text, sizeof text,
             "{\"lines\":%" PRIu64 ",\"crlf\":%" PRIu64 ",\"ended\":%s,\"longest\":{\"line\":%" PRIu64 ",\"bytes\":%" PRIu64 "},\"over\":%" PRIu64 "%s}",
             lines.lines, lines.crlf, ended ? "true" : "false", lines.longest_line, lines.longest_bytes, lines.over, listed);
    analysis_string_dup(ret, text);
    return true;
}
