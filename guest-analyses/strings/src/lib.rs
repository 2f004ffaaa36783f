//! The strings of a file: what a person reads first in a program or document that cannot be trusted.
//!
//! The first analysis of the typed world. All of it but `component` is ordinary code over the [`World`], so that tests
//! need no sandbox.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod indicators;
pub mod report;
pub mod scan;

use std::fmt::Write;

use crate::report::Args;
use crate::report::Collector;
use crate::report::File;
use crate::report::Report;
use crate::scan::Found;
use crate::scan::Scanner;

/// Read at once.
pub const BLOCK_BYTES: u32 = 1 << 20;
/// The longest `strings.txt`: half of what an artifact may be by default. What more there is, is counted.
const FILE_BYTES_MAX: u64 = 128 << 20;
/// Written to it at once.
const WRITE_BYTES: usize = 256 << 10;
/// Progress is told at most so often.
const STEPS: u64 = 100;

/// What the analysis needs of `wit/analysis.wit`.
pub trait World {
    /// Bytes of the sample.
    fn size_bytes(&self) -> u64;
    /// From `offset` on at most `length` bytes; none only at the end.
    fn read(&mut self, offset: u64, length: u32) -> Vec<u8>;
    /// How far the work is, from 0 to 1.
    fn progress(&mut self, fraction: f64);
    /// A line of the log.
    fn info(&mut self, message: &str);
    /// Appends to `strings.txt`.
    ///
    /// # Errors
    /// A sentence that says why it cannot be written.
    fn write(&mut self, bytes: &[u8]) -> Result<(), String>;
    /// Where that file is.
    fn path(&self) -> String;
}

/// Finds the strings of the sample.
///
/// # Errors
/// When the artifact cannot be written.
pub fn analyse(world: &mut impl World, args: &Args) -> Result<Report, String> {
    let size_bytes = world.size_bytes();
    let step_bytes = step_bytes(size_bytes);
    let mut scanner = Scanner::new(args.min_length, &args.encodings);
    let (mut collector, mut lines) = (Collector::new(args.max_strings), Lines::new(FILE_BYTES_MAX));
    let (mut offset, mut told) = (0, 0);
    loop {
        let block = world.read(offset, BLOCK_BYTES);
        if block.is_empty() {
            break;
        }
        offset += block.len() as u64;
        scanner.feed(&block, |found| {
            collector.add(found);
            lines.add(found);
        });
        lines.write(world, WRITE_BYTES)?;
        if offset - told >= step_bytes {
            told = offset;
            world.progress(offset as f64 / size_bytes.max(offset) as f64);
        }
    }
    scanner.finish(|found| {
        collector.add(found);
        lines.add(found);
    });
    lines.write(world, 1)?;
    let counts = collector.counts();
    world.info(&format!(
        "{} strings in {offset} bytes: {} ASCII, {} UTF-16LE",
        counts.total(),
        counts.ascii,
        counts.utf16le
    ));
    Ok(collector.report(offset, File { path: world.path(), is_complete: lines.is_complete() }))
}

fn step_bytes(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(STEPS).max(u64::from(BLOCK_BYTES))
}

/// The lines of `strings.txt` that are not written yet: of one block at most.
#[derive(Debug)]
struct Lines {
    text: String,
    file_bytes_max: u64,
    file_bytes: u64,
    /// Whether one found no room; then no later one is in the file.
    is_full: bool,
}

impl Lines {
    fn new(file_bytes_max: u64) -> Self {
        Self { text: String::new(), file_bytes_max, file_bytes: 0, is_full: false }
    }

    fn add(&mut self, found: Found) {
        if self.is_full {
            return;
        }
        let before = self.text.len();
        write!(self.text, "{:08x}\t{}\t", found.offset, found.encoding.name()).expect("a string can be written to");
        self.text.push_str(found.text);
        self.text.push('\n');
        let line_bytes = (self.text.len() - before) as u64;
        self.is_full = self.file_bytes + line_bytes > self.file_bytes_max;
        if self.is_full {
            self.text.truncate(before);
        } else {
            self.file_bytes += line_bytes;
        }
    }

    /// Writes what there is, if it is worth a call.
    fn write(&mut self, world: &mut impl World, bytes_min: usize) -> Result<(), String> {
        if self.text.len() >= bytes_min {
            world.write(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        !self.is_full
    }
}

#[cfg(test)]
mod tests {
    use belljar_sdk::Failure;
    use belljar_sdk::Sample;

    use super::*;
    use crate::scan::Encoding;

    const DESCRIPTOR: &[u8] = include_bytes!("../descriptor.json");

    /// A sample that is made while it is read: `part` again and again.
    struct Repeated {
        part: Vec<u8>,
        size_bytes: u64,
        reads: Vec<u32>,
        told: Vec<f64>,
        log: Vec<String>,
        written_bytes: u64,
        start: Vec<u8>,
    }

    impl Repeated {
        fn new(part: &[u8], size_bytes: u64) -> Self {
            let part = part.to_vec();
            let (reads, told, log, start) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            Self { part, size_bytes, reads, told, log, written_bytes: 0, start }
        }
    }

    impl World for Repeated {
        fn size_bytes(&self) -> u64 {
            self.size_bytes
        }

        fn read(&mut self, offset: u64, length: u32) -> Vec<u8> {
            self.reads.push(length);
            let end = self.size_bytes.min(offset + u64::from(length));
            let skipped = offset as usize % self.part.len();
            self.part.iter().copied().cycle().skip(skipped).take((end - offset) as usize).collect()
        }

        fn progress(&mut self, fraction: f64) {
            self.told.push(fraction);
        }

        fn info(&mut self, message: &str) {
            self.log.push(message.to_owned());
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
            self.written_bytes += bytes.len() as u64;
            let room = 200_usize.saturating_sub(self.start.len()).min(bytes.len());
            self.start.extend_from_slice(&bytes[..room]);
            Ok(())
        }

        fn path(&self) -> String {
            "/out/strings.txt".to_owned()
        }
    }

    fn args() -> Args {
        Args { min_length: 4, max_strings: 3, encodings: vec![Encoding::Ascii, Encoding::Utf16Le] }
    }

    #[test]
    fn every_string_is_a_line_of_the_artifact() {
        let mut world = Repeated::new(b"one two\0\xffw\0i\0d\0e\0", 32);
        let report = analyse(&mut world, &args()).unwrap();
        let lines =
            "00000000\tascii\tone two\n00000009\tutf-16le\twide\n00000011\tascii\tone two\n0000001a\tutf-16le\twid";
        assert!(lines.starts_with(std::str::from_utf8(&world.start).unwrap().trim_end()), "{:?}", world.start);
        assert_eq!((report.counts.ascii, report.counts.utf16le, report.strings.len()), (2, 1, 3));
        assert_eq!(world.log, ["3 strings in 32 bytes: 2 ASCII, 1 UTF-16LE"]);
        assert!(world.told.is_empty());
    }

    #[test]
    fn a_large_file_is_read_in_blocks_and_told_in_steps() {
        let mut world = Repeated::new(b"some words\0\x01\x02\x03\x04\x05", (4 << 20) + 16);
        let report = analyse(&mut world, &args()).unwrap();
        assert_eq!(world.reads, [BLOCK_BYTES; 6]);
        assert_eq!(world.told.iter().map(|it| (it * 100.0).round()).collect::<Vec<_>>(), [25.0, 50.0, 75.0, 100.0]);
        assert_eq!((report.counts.ascii, report.truncated), ((4 << 20) / 16 + 1, vec!["strings"]));
        assert_eq!(world.written_bytes, report.counts.ascii * "00000000\tascii\tsome words\n".len() as u64);
        assert!((1_u64 << 40).div_ceil(step_bytes(1 << 40)) <= STEPS);
    }

    #[test]
    fn the_artifact_ends_with_a_whole_line_and_says_that_there_is_more() {
        let line = "0000000c\tascii\tword\n";
        for (file_bytes_max, lines_max) in [(2 * line.len(), 2), (2 * line.len() + 5, 2), (3 * line.len(), 3)] {
            let mut lines = Lines::new(file_bytes_max as u64);
            (0..3).for_each(|_| lines.add(Found { offset: 12, encoding: Encoding::Ascii, text: "word", length: 4 }));
            assert_eq!((lines.text.as_str(), lines.is_complete()), (line.repeat(lines_max).as_str(), lines_max == 3));
        }
    }

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, |mut sample: Sample, args: Args| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut sample, &mut bytes)?;
            let size_bytes = bytes.len() as u64;
            bytes.push(0);
            analyse(&mut Repeated::new(&bytes, size_bytes), &args).map_err(Failure::new)
        });
    }
}
