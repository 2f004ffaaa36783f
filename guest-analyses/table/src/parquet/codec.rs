//! Pages as they were before they were compressed. What they claim to be is all the memory that they get.

use std::io::Read;

use belljar_sdk::Failure;
use brotli_decompressor::Decompressor;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;

/// What Zstandard may look back to; it allocates that much.
const WINDOW_BYTES_MAX: u64 = 32 * 1024 * 1024;
const NAMES: [&str; 8] = ["uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"];

/// The name of a codec.
pub fn name(codec: i64) -> &'static str {
    usize::try_from(codec).ok().and_then(|codec| NAMES.get(codec)).copied().unwrap_or("unknown")
}

/// Appends what the bytes decompress to, which has to be so many.
pub fn decompress(codec: i64, bytes: &[u8], (length, plain): (usize, &mut Vec<u8>)) -> Result<(), Failure> {
    let start = plain.len();
    plain.resize(start + length, 0);
    let room = &mut plain[start..];
    let name = name(codec);
    let written = match name {
        "uncompressed" => copy(bytes, room),
        // A page of nothing may be no bytes at all.
        _ if length == 0 => Some(0),
        "snappy" => snap::raw::Decoder::new().decompress(bytes, room).ok(),
        "gzip" => MultiGzDecoder::new(bytes).read_exact(room).ok().map(|()| length),
        "brotli" => Decompressor::new(bytes, 4096).read_exact(room).ok().map(|()| length),
        "lz4" => lz4_of_hadoop(bytes, room).or_else(|| lz4_flex::block::decompress_into(bytes, room).ok()),
        "lz4_raw" => lz4_flex::block::decompress_into(bytes, room).ok(),
        "zstd" => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(WINDOW_BYTES_MAX);
            decoder.decode_all(bytes, room).ok()
        }
        _ => return Err(Failure::new(format!("its pages are compressed by {name}, which is not read here"))),
    };
    if written == Some(length) {
        return Ok(());
    }
    Err(Failure::new(format!("a page does not decompress by {name} to the {length} bytes that it claims")))
}

fn copy(bytes: &[u8], room: &mut [u8]) -> Option<usize> {
    (bytes.len() == room.len()).then(|| room.copy_from_slice(bytes))?;
    Some(bytes.len())
}

/// Blocks with their lengths before them, as Hadoop writes them.
fn lz4_of_hadoop(mut bytes: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut written = 0;
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let [plain, packed] =
            [&head[..4], &head[4..]].map(|it| it.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
        let (block, rest) = rest.split_at_checked(packed)?;
        let room = room.get_mut(written..)?.get_mut(..plain)?;
        written += lz4_flex::block::decompress_into(block, room).ok().filter(|it| *it == plain)?;
        bytes = rest;
    }
    Some(written)
}
