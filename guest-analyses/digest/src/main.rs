//! The digests that people ask of a file, in one pass.

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use md5::Digest;
use serde::Deserialize;
use serde::Serialize;

belljar_sdk::descriptor!("../descriptor.json");

#[derive(Deserialize)]
struct Args {}

#[derive(Debug, Serialize)]
struct Digests {
    size_bytes: u64,
    md5: String,
    sha1: String,
    sha256: String,
    sha512: String,
    blake3: String,
    crc32: String,
}

fn main() {
    belljar_sdk::run(digest);
}

fn digest(mut sample: Sample, Args {}: Args) -> Result<Digests, Failure> {
    let (mut md5, mut sha1) = (md5::Md5::new(), sha1::Sha1::new());
    let (mut sha256, mut sha512) = (sha2::Sha256::new(), sha2::Sha512::new());
    let (mut blake3, mut crc32) = (blake3::Hasher::new(), crc32fast::Hasher::new());
    let size_bytes = sample.size_bytes();
    sample.blocks(|block| {
        md5.update(block);
        sha1.update(block);
        sha256.update(block);
        sha512.update(block);
        blake3.update(block);
        crc32.update(block);
    })?;
    Ok(Digests {
        size_bytes,
        md5: hex(&md5.finalize()),
        sha1: hex(&sha1.finalize()),
        sha256: hex(&sha256.finalize()),
        sha512: hex(&sha512.finalize()),
        blake3: blake3.finalize().to_hex().to_string(),
        crc32: format!("{:08x}", crc32.finalize()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abc_has_its_well_known_digests() {
        let found = digest(Sample::of_bytes(*b"abc"), Args {}).unwrap();
        assert_eq!(found.size_bytes, 3);
        assert_eq!(found.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(found.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(found.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(found.sha512.starts_with("ddaf35a193617abacc417349ae204131"));
        assert_eq!(found.blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        assert_eq!(found.crc32, "352441c2");
    }

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, digest);
    }
}
