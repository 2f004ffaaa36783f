//! What is in an archive, and what is wrong with it, without unpacking it to anywhere.
//!
//! `zip`, `sevenz`, `tarball` and `gzip` each read one format into a `listing`, which counts everything and keeps as many
//! entries as wanted; `risks` looks at what comes by.

mod gzip;
mod listing;
mod risks;
mod sevenz;
mod tarball;
mod zip;

use std::io::Read;
use std::io::Seek;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::listing::Listing;
use crate::listing::Report;

/// As many bytes tell the formats apart; a tar archive has its mark late.
const HEAD_BYTES: u64 = 512;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// So many entries are listed; all of them are counted and looked at.
    #[serde(default = "entries_max")]
    #[schemars(range(max = 20_000))]
    entries_max: usize,
    /// How much of a gzip stream is unpacked, in memory and bit by bit, to measure and list it, in MiB.
    #[serde(default = "unpack_mib_max")]
    #[schemars(range(min = 1, max = 4096))]
    unpack_mib_max: u64,
}

fn entries_max() -> usize {
    1000
}

fn unpack_mib_max() -> u64 {
    256
}

/// What is in a ZIP, tar, gzip or 7z archive: names, sizes, times, methods; and what to mind before unpacking it: bombs,
/// paths that lead out of the folder, links, overlapping or doubled entries, encryption, programs. Nothing is unpacked but
/// gzip, in memory and up to a limit.
#[analysis(
    title = "Archive",
    accepts = ["application/zip", "application/x-zip-compressed", "application/java-archive", "application/vnd.android.package-archive",
        "application/epub+zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/x-tar", "application/gzip", "application/x-gzip",
        "application/x-7z-compressed", "application/octet-stream"],
    limits = { "memory_bytes": 268435456, "fuel_base": 60000000000u64, "stdout_bytes": 16777216 },
    examples = [
        { "input_base64": "UEsDBAoAAAAAAAAAIQBc68ttEwAAABMAAAAFAAAAYS50eHR0byBiZSBvciBub3QgdG8gYmUKUEsBAh4DCgAAAAAAAAAhAFzry20TAAAAEwAAAAUAAAAAAAAAAQAAAKSBAAAAAGEudHh0UEsFBgAAAAABAAEAMwAAADYAAAAAAA==",
          "args": {}, "result": { "format": "zip", "entry_count": 1, "unpacked_bytes": 19, "entries": [{ "path": "a.txt", "size_bytes": 19, "method": "store" }], "risks": [] } }
    ]
)]
fn list(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let mut head = Vec::new();
    sample.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    sample.rewind()?;
    let mut listing = Listing::new(sample.size_bytes(), args.entries_max);
    match head.as_slice() {
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => sevenz::list(&mut sample, &mut listing)?,
        [0x1f, 0x8b, ..] => gzip::list(sample, &mut listing, args.unpack_mib_max << 20)?,
        _ if tarball::is_one(&head) => tarball::list_file(sample, &mut listing)?,
        // What stands before a ZIP does not matter: it is read from its end.
        _ => zip::list(sample, &mut listing)?,
    }
    Ok(listing.end())
}

#[cfg(test)]
mod tests;
