//! ZIP, by its directory; only the fixed part of each local header is read besides, to see what lies over each other.

use std::cell::RefCell;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use rawzip::RECOMMENDED_BUFFER_SIZE;
use rawzip::ReaderAt;
use rawzip::ZipArchive;
use rawzip::ZipFileHeaderRecord;
use rawzip::ZipLocator;
use rawzip::time::ZipDateTimeKind;

use crate::listing::Entry;
use crate::listing::EntryKind;
use crate::listing::Listing;

/// So many entries are held against each other.
const SPANS_MAX: usize = 500_000;
/// A local header without its name.
const LOCAL_HEADER_BYTES: u64 = 30;
const COMMENT_BYTES_MAX: u64 = 64 * 1024;

pub fn list(sample: Sample, listing: &mut Listing) -> Result<(), Failure> {
    let size_bytes = sample.size_bytes();
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let reader = Shared(RefCell::new(sample));
    let archive: ZipArchive<_> =
        ZipLocator::new().locate_in_reader(reader, &mut buffer, size_bytes).map_err(|(_, error)| {
            Failure::new(format!("this is no ZIP, tar, gzip or 7z archive that can be read: {error}"))
        })?;
    listing.format("zip");
    let mut comment = Vec::new();
    archive.comment().take(COMMENT_BYTES_MAX).read_to_end(&mut comment)?;
    listing.comment(String::from_utf8_lossy(&comment).into_owned());
    let promised = archive.entries_hint();
    let (mut count, mut spans) = (0, Vec::new());
    let mut entries = archive.entries(&mut buffer);
    loop {
        match entries.next_entry() {
            Ok(Some(record)) => {
                count += 1;
                if spans.len() < SPANS_MAX {
                    let start = record.local_header_offset();
                    let length = LOCAL_HEADER_BYTES.saturating_add(record.compressed_size_hint());
                    spans.push((start, start.saturating_add(length)));
                }
                listing.take(entry(&record));
            }
            Ok(None) => break,
            Err(error) => {
                listing.incomplete(format!("the directory cannot be read on after {count} entries: {error}"));
                break;
            }
        }
    }
    if count < promised {
        listing.incomplete(format!("the directory promises {promised} entries and has {count}"));
    }
    spans.sort_unstable();
    for pair in spans.windows(2).filter(|it| it[1].0 < it[0].1) {
        listing.risks().note("overlap", &format!("at {} and {}", pair[0].0, pair[1].0));
    }
    Ok(())
}

/// The sample, read wherever it is wanted.
struct Shared(RefCell<Sample>);

impl ReaderAt for Shared {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut sample = self.0.borrow_mut();
        sample.seek(SeekFrom::Start(offset))?;
        sample.read(buffer)
    }
}

fn entry(record: &ZipFileHeaderRecord<'_>) -> Entry {
    let mode = record.mode();
    let kind = match mode.value() & 0o170_000 {
        _ if record.is_dir() => EntryKind::Folder,
        0o120_000 => EntryKind::Link,
        0 | 0o100_000 => EntryKind::File,
        0o040_000 => EntryKind::Folder,
        _ => EntryKind::Other,
    };
    let modified = match record.last_modified() {
        ZipDateTimeKind::Utc(it) => it.to_string(),
        ZipDateTimeKind::Local(it) => it.to_string(),
    };
    Entry {
        path: String::from_utf8_lossy(record.file_path().as_ref()).into_owned(),
        kind,
        size_bytes: record.uncompressed_size_hint(),
        packed_bytes: Some(record.compressed_size_hint()),
        method: Some(method(&record.compression_method().to_string())),
        modified: Some(modified),
        mode: (mode.value() != 0).then(|| format!("{:o}", mode.value() & 0o7777)),
        crc32: Some(format!("{:08x}", record.crc32())),
        target: None,
        encrypted: record.flags().is_encrypted(),
    }
}

/// `8 (DEFLATE)` is how the crate tells it.
fn method(text: &str) -> String {
    let name = text.split_once('(').and_then(|it| it.1.strip_suffix(')'));
    name.unwrap_or(text).to_lowercase()
}
