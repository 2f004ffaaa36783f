//! Gzip, which does not say what is in it until it is unpacked: that happens in memory, block by block, up to a limit.

use std::cell::Cell;
use std::io;
use std::io::BufReader;
use std::io::Chain;
use std::io::Cursor;
use std::io::ErrorKind;
use std::io::Read;
use std::rc::Rc;

use belljar_sdk::BLOCK_BYTES;
use belljar_sdk::Failure;
use belljar_sdk::Sample;
use flate2::bufread::GzDecoder;
use flate2::bufread::MultiGzDecoder;

use crate::listing::Entry;
use crate::listing::Listing;
use crate::listing::time;
use crate::tarball;

/// A tar archive's first header.
const FIRST_BYTES: u64 = 512;

pub fn list(sample: Sample, listing: &mut Listing, unpacked_bytes_max: u64) -> Result<(), Failure> {
    let packed_bytes = sample.size_bytes();
    let mut source = BufReader::with_capacity(BLOCK_BYTES, sample);
    let header = GzDecoder::new(&mut source).header().cloned();
    let header = header.ok_or_else(|| Failure::new("the header of this gzip file is not whole"))?;
    let mut sample = source.into_inner();
    io::Seek::rewind(&mut sample)?;
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BLOCK_BYTES, sample));
    let ended = Rc::new(Cell::new(Ended::Unknown));
    let bytes = Rc::new(Cell::new(0));
    let mut unpacked =
        Bounded { inner: unpacked, left: unpacked_bytes_max, ended: ended.clone(), bytes: bytes.clone() };
    let mut first = Vec::new();
    unpacked.by_ref().take(FIRST_BYTES).read_to_end(&mut first)?;
    if tarball::is_one(&first) {
        listing.format("tar.gz");
        let mut whole: Chain<_, _> = Cursor::new(first).chain(unpacked);
        tarball::list_stream(&mut whole, listing)?;
        // What stands after the end of the tar archive counts too.
        io::copy(&mut whole, &mut io::sink())?;
        listing.packed(packed_bytes);
    } else {
        listing.format("gzip");
        io::copy(&mut unpacked, &mut io::sink())?;
        let name = header.filename().map(|it| String::from_utf8_lossy(it).into_owned());
        listing.comment(header.comment().map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default());
        listing.take(Entry {
            path: name.unwrap_or_default(),
            size_bytes: bytes.get(),
            packed_bytes: Some(packed_bytes),
            method: Some("deflate".to_owned()),
            modified: time(i64::from(header.mtime())),
            ..Entry::default()
        });
    }
    tell(ended.take(), bytes.get(), packed_bytes, listing);
    Ok(())
}

fn tell(ended: Ended, bytes: u64, packed_bytes: u64, listing: &mut Listing) {
    match ended {
        Ended::Unknown => {}
        Ended::Broken(why) => listing.incomplete(format!("it cannot be unpacked beyond {bytes} bytes: {why}")),
        Ended::TooLarge => {
            listing.incomplete(format!("it was unpacked up to {bytes} bytes, the limit of this run"));
            if bytes / packed_bytes.max(1) > 500 {
                listing.risks().note("bomb", "");
            }
        }
    }
}

#[derive(Default)]
enum Ended {
    #[default]
    Unknown,
    Broken(String),
    TooLarge,
}

/// What is unpacked, up to a limit. Where it breaks it ends, and says so beside.
struct Bounded<R> {
    inner: R,
    left: u64,
    ended: Rc<Cell<Ended>>,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            if matches!(self.inner.read(&mut [0]), Ok(1)) {
                self.ended.set(Ended::TooLarge);
            }
            return Ok(0);
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        match self.inner.read(&mut buffer[..room]) {
            Ok(count) => {
                self.left -= count as u64;
                self.bytes.set(self.bytes.get() + count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.ended.set(Ended::Broken(error.to_string()));
                self.left = 0;
                Ok(0)
            }
        }
    }
}
