//! Five kinds of work that analyses do. Each repeats itself `times` times and gives a checksum.

use std::fmt::Write;

use csv_core::ReadRecordResult;
use sha2::Digest;

/// SHA-256 over 1 MiB.
pub fn sha256(times: usize) -> u64 {
    let bytes = noise(1 << 20);
    let mut hash = sha2::Sha256::new();
    (0..times).for_each(|_| hash.update(&bytes));
    hash.finalize().iter().copied().map(u64::from).sum()
}

/// Shannon entropy of 1 MiB, in millionths of a bit.
pub fn entropy(times: usize) -> u64 {
    let mut bytes = noise(1 << 20);
    let mut sum = 0;
    for time in 0..times {
        bytes[0] = time as u8;
        let mut histogram = [0u32; 256];
        bytes.iter().for_each(|byte| histogram[usize::from(*byte)] += 1);
        let total = bytes.len() as f64;
        let shares = histogram.iter().filter(|it| **it > 0).map(|it| f64::from(*it) / total);
        sum += (shares.map(|share| -share * share.log2()).sum::<f64>() * 1e6) as u64;
    }
    sum
}

/// Parses and serialises a document of some 100 KB.
pub fn json(times: usize) -> u64 {
    let mut random = Random(7);
    let mut text = String::from("[");
    for number in 0..1000 {
        let (a, b) = (random.next(), random.next() % 1000);
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"id\":{number},\"name\":\"item \\u00e9 {b}\",\"score\":{}.{b},\"tags\":[\"a{b}\",true,null],\"key\":\"{a:x}\"}}",
            a % 100
        );
    }
    text.push(']');
    let mut sum = 0;
    for _ in 0..times {
        let document: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        sum += document.to_string().len() as u64;
    }
    sum
}

/// Parses a table of some 100 KB with a few quoted fields.
pub fn csv(times: usize) -> u64 {
    let mut random = Random(11);
    let mut text = String::from("id,name,amount,comment\n");
    for number in 0..2000 {
        let (a, b) = (random.next() % 100_000, random.next() % 97);
        let _ = writeln!(text, "{number},name {b},{a}.{b},\"said \"\"{b}\"\", then left\"");
    }
    let (mut fields, mut ends) = ([0; 1024], [0; 16]);
    let mut sum = 0;
    for _ in 0..times {
        let mut reader = csv_core::Reader::new();
        let mut rest = text.as_bytes();
        loop {
            let (result, read, written, count) = reader.read_record(rest, &mut fields, &mut ends);
            rest = &rest[read..];
            match result {
                ReadRecordResult::End => break,
                ReadRecordResult::Record => sum += u64::from(fields[written / 2]) + count as u64,
                ReadRecordResult::InputEmpty => (),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => panic!("no row is that long"),
            }
        }
    }
    sum
}

/// Sorts 100,000 numbers.
pub fn sort(times: usize) -> u64 {
    let mut random = Random(13);
    let mut sum = 0;
    for _ in 0..times {
        let mut numbers: Vec<u64> = (0..100_000).map(|_| random.next()).collect();
        numbers.sort_unstable();
        sum ^= numbers[numbers.len() / 2];
    }
    sum >> 12
}

/// Bytes of which some are much more frequent than others, as in most files.
fn noise(count: usize) -> Vec<u8> {
    let mut random = Random(5);
    (0..count).map(|_| (random.next() & random.next()) as u8).collect()
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
