//! Boxes written: each is its size, its name and its payload.

/// A box of those parts.
pub fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + 8;
    let size = u32::try_from(size).expect("boxes written here are bounded far below 4 GiB");
    [&[&size.to_be_bytes()[..], kind], parts].concat().concat()
}

/// A box with version 0 and those flags before its parts.
pub fn full_boxed(kind: &[u8; 4], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    boxed(kind, &[&[&flags.to_be_bytes()[..]], parts].concat())
}

/// Words one after the other, as fields and tables are.
pub fn words(words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}
