//! 7z, by its header; what is packed is not touched. The header itself is packed as a rule, and unpacked within a limit.

use std::io::BufReader;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use sevenz_rust2::Archive;
use sevenz_rust2::ArchiveEntry;
use sevenz_rust2::Block;
use sevenz_rust2::EncoderMethod;
use sevenz_rust2::NtTime;
use sevenz_rust2::Password;

use crate::listing::Entry;
use crate::listing::EntryKind;
use crate::listing::Listing;
use crate::listing::time;

/// What one buffer or dictionary of the header may take, KiB.
const HEADER_KIB_MAX: usize = 64 * 1024;
/// The bit of Windows' attributes that says that those of Unix are in the upper half.
const UNIX_ATTRIBUTES: u32 = 0x8000;

pub fn list(sample: &mut Sample, listing: &mut Listing) -> Result<(), Failure> {
    listing.format("7z");
    let archive = Archive::read_with_memory_limit(&mut BufReader::new(sample), &Password::empty(), HEADER_KIB_MAX)
        .map_err(|error| Failure::new(format!("the header of this 7z archive cannot be read: {error}")))?;
    let blocks = &archive.stream_map.file_block_index;
    for (number, file) in archive.files.iter().enumerate() {
        let block = blocks.get(number).copied().flatten().and_then(|it| archive.blocks.get(it));
        listing.take(Entry { encrypted: archive.is_file_encrypted(number), ..entry(file, block) });
    }
    listing.packed(archive.pack_sizes().iter().fold(0, |sum, it| sum.saturating_add(*it)));
    Ok(())
}

fn entry(file: &ArchiveEntry, block: Option<&Block>) -> Entry {
    let attributes = file.has_windows_attributes.then(|| file.windows_attributes());
    let mode = attributes.filter(|it| it & UNIX_ATTRIBUTES != 0).map(|it| it >> 16);
    let kind = match mode.map(|it| it & 0o170_000) {
        _ if file.is_directory() => EntryKind::Folder,
        Some(0o120_000) => EntryKind::Link,
        _ => EntryKind::File,
    };
    Entry {
        path: file.name().to_owned(),
        kind,
        size_bytes: file.size(),
        packed_bytes: None,
        method: block.map(methods),
        modified: file.has_last_modified_date.then(|| time(seconds(file.last_modified_date()))).flatten(),
        mode: mode.map(|it| format!("{:o}", it & 0o7777)),
        crc32: file.has_crc.then(|| format!("{:08x}", file.crc)),
        target: None,
        encrypted: false,
    }
}

/// What it went through, joined by `+`.
fn methods(block: &Block) -> String {
    let name = |id: &[u8]| match EncoderMethod::by_id(id) {
        Some(method) => method.name().to_owned(),
        None => id.iter().map(|it| format!("{it:02x}")).collect(),
    };
    block.coders.iter().map(|it| name(it.encoder_method_id())).collect::<Vec<_>>().join("+")
}

/// Since 1970.
fn seconds(time: NtTime) -> i64 {
    const PER_SECOND: u64 = 10_000_000;
    let seconds = |it: NtTime| i64::try_from(u64::from(it) / PER_SECOND).unwrap_or(i64::MAX);
    seconds(time) - seconds(NtTime::UNIX_EPOCH)
}
