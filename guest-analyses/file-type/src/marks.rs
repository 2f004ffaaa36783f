//! Marks of other formats in a file that is of one already.

use schemars::JsonSchema;
use serde::Serialize;

/// Another format whose mark is there.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Also {
    pub media_type: &'static str,
    /// Where its mark is.
    pub offset: u64,
    pub because: &'static str,
}

/// How far from the beginning readers of PDF look for its header.
const PDF_WITHIN: usize = 1024;
const ISO_AT: usize = 0x8001;
const TAR_AT: usize = 257;

/// What else a file of that type could pass as; `tail` is its end, with where that begins.
pub fn also(media_type: &str, head: &[u8], (tail_at, tail): (u64, &[u8])) -> Vec<Also> {
    let mut also = Vec::new();
    let mut note = |media_type, offset: u64, because| also.push(Also { media_type, offset, because });
    if media_type != "application/pdf"
        && !media_type.starts_with("text/")
        && let Some(at) = find(&head[..head.len().min(PDF_WITHIN)], b"%PDF-")
    {
        note("application/pdf", at as u64, "readers of PDF take a header anywhere in the first 1024 bytes");
    }
    // A ZIP is read from its end; so whatever stands before it does not matter to one who unpacks it.
    if !head.starts_with(b"PK")
        && let Some(at) = end_of_zip(tail)
    {
        note("application/zip", tail_at + at as u64, "the end of a ZIP archive is at the end of the file");
    }
    if media_type != "application/x-tar" && head.get(TAR_AT..TAR_AT + 5) == Some(b"ustar") {
        note("application/x-tar", TAR_AT as u64, "the mark of a tar archive is at its place");
    }
    if !media_type.contains("iso9660") && head.get(ISO_AT..ISO_AT + 5) == Some(b"CD001") {
        note("application/x-iso9660-image", ISO_AT as u64, "the mark of a disc image is at its place");
    }
    if is_opaque(media_type) {
        for (needle, media_type, because) in [
            (&b"<?php"[..], "application/x-httpd-php", "PHP runs what stands between its marks, wherever they are"),
            (b"<script", "text/html", "a browser that takes it for HTML runs the script in it"),
        ] {
            let in_head = find(head, needle).map(|at| at as u64);
            if let Some(at) = in_head.or_else(|| find(tail, needle).map(|at| tail_at + at as u64)) {
                note(media_type, at, because);
            }
        }
    }
    also
}

/// Whether a script has no business in it.
fn is_opaque(media_type: &str) -> bool {
    ["image/", "audio/", "video/", "font/"].iter().any(|it| media_type.starts_with(it)) && media_type != "image/svg+xml"
}

/// Where the last end-of-directory record is whose comment ends with the file.
fn end_of_zip(tail: &[u8]) -> Option<usize> {
    const RECORD_BYTES: usize = 22;
    let last = tail.len().checked_sub(RECORD_BYTES)?;
    (0..=last).rev().find(|at| {
        let record = &tail[*at..];
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(b"PK\x05\x06") && RECORD_BYTES + comment == record.len()
    })
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|it| it == needle)
}
