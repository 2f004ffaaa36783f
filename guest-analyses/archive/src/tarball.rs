//! Tar, header by header. Long names come as entries of their own, and are taken up to a limit.

use std::io;
use std::io::Read;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use tar::Archive;
use tar::Entries;
use tar::EntryType;
use tar::Header;
use tar::PaxExtensions;

use crate::listing::Entry;
use crate::listing::EntryKind;
use crate::listing::Listing;
use crate::listing::time;

/// A name, or the attributes of one entry, may take so much.
const EXTENSION_BYTES_MAX: u64 = 64 * 1024;

/// Whether a file that begins so is one: by its mark, or, as old ones have none, by the sum over its first header.
pub fn is_one(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; 512]>::try_from(head.get(..512).unwrap_or_default()) else {
        return false;
    };
    let sum: u32 =
        block.iter().enumerate().map(|(at, it)| if (148..156).contains(&at) { 32 } else { u32::from(*it) }).sum();
    Header::from_byte_slice(block).cksum().is_ok_and(|it| it == sum) && block[0] != 0
}

pub fn list_file(sample: Sample, listing: &mut Listing) -> Result<(), Failure> {
    listing.format("tar");
    let mut archive = Archive::new(sample);
    let entries = archive.entries_with_seek()?.raw(true);
    list(entries, listing)
}

/// One that comes out of something else, and cannot be skipped in.
pub fn list_stream(stream: impl Read, listing: &mut Listing) -> Result<(), Failure> {
    let mut archive = Archive::new(stream);
    let entries = archive.entries()?.raw(true);
    list(entries, listing)
}

fn list<R: Read>(entries: Entries<'_, R>, listing: &mut Listing) -> Result<(), Failure> {
    let mut next = Entry::default();
    let mut said = Said::default();
    for entry in entries {
        let taken = entry.and_then(|mut entry| {
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() {
                said.path = Some(name(&mut entry)?);
            } else if kind.is_gnu_longlink() {
                said.target = Some(name(&mut entry)?);
            } else if kind.is_pax_local_extensions() {
                said.take(&extension(&mut entry)?);
            } else if !kind.is_pax_global_extensions() {
                next = of(entry.header(), std::mem::take(&mut said))?;
                return Ok(true);
            }
            Ok(false)
        });
        match taken {
            Ok(true) => listing.take(std::mem::take(&mut next)),
            Ok(false) => {}
            Err(error) if listing.is_empty() => {
                return Err(Failure::new(format!("this tar archive cannot be read: {error}")));
            }
            Err(error) => {
                listing.incomplete(error.to_string());
                break;
            }
        }
    }
    Ok(())
}

/// What the entries before one say about it.
#[derive(Default)]
struct Said {
    path: Option<String>,
    target: Option<String>,
    size: Option<u64>,
    modified: Option<i64>,
}

impl Said {
    fn take(&mut self, attributes: &[u8]) {
        for attribute in PaxExtensions::new(attributes).flatten() {
            let value = String::from_utf8_lossy(attribute.value_bytes()).into_owned();
            match attribute.key_bytes() {
                b"path" => self.path = Some(value),
                b"linkpath" => self.target = Some(value),
                b"size" => self.size = value.parse().ok(),
                b"mtime" => self.modified = value.split('.').next().and_then(|it| it.parse().ok()),
                _ => {}
            }
        }
    }
}

fn extension(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(EXTENSION_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name(entry: &mut impl Read) -> io::Result<String> {
    let bytes = extension(entry)?;
    let bytes = bytes.split(|it| *it == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn of(header: &Header, said: Said) -> io::Result<Entry> {
    let kind = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => EntryKind::File,
        EntryType::Directory => EntryKind::Folder,
        EntryType::Symlink | EntryType::Link => EntryKind::Link,
        _ => EntryKind::Other,
    };
    let target = || header.link_name_bytes().map(|it| String::from_utf8_lossy(&it).into_owned());
    let modified = said.modified.or_else(|| header.mtime().ok().and_then(|it| i64::try_from(it).ok()));
    Ok(Entry {
        path: said.path.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned()),
        kind,
        size_bytes: if kind == EntryKind::File { said.size.map_or_else(|| header.size(), Ok)? } else { 0 },
        modified: modified.and_then(time),
        mode: header.mode().ok().map(|it| format!("{:o}", it & 0o7777)),
        target: (kind == EntryKind::Link).then(|| said.target.or_else(target)).flatten(),
        ..Entry::default()
    })
}
