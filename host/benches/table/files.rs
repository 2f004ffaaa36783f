//! What more than one section reads: the module of kernels, noise.

use std::path::PathBuf;

use anyhow::Context;

/// The kernels, as `scripts/build-guests` left them.
pub(crate) fn kernels() -> anyhow::Result<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/kernels.wasm");
    std::fs::read(&path).context("no benches/kernels.wasm; scripts/build-guests makes it")
}

/// Bytes that no file system or network makes smaller.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes())
    };
    std::iter::from_fn(word).flatten().take(bytes).collect()
}
