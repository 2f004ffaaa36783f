//! Memory to read into, placed so that the host fills it fastest.

/// Bytes read at once; large blocks cost the host one call and one copy.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// Blocks start on such a boundary: then they cover whole pages, which about doubles the speed of reading.
const ALIGN_BYTES: usize = 64 * 1024;

/// [`BLOCK_BYTES`] bytes that start on a page.
#[derive(Debug)]
pub struct Block {
    /// Longer by up to [`ALIGN_BYTES`], to have a boundary in it.
    room: Vec<u8>,
    start: usize,
}

impl Block {
    /// One full of zeros.
    #[must_use]
    pub fn new() -> Self {
        let room = vec![0; BLOCK_BYTES + ALIGN_BYTES];
        let start = room.as_ptr().align_offset(ALIGN_BYTES);
        assert!(start < ALIGN_BYTES, "bytes can be aligned to anything");
        Self { room, start }
    }

    /// All of it.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.room[self.start..self.start + BLOCK_BYTES]
    }

    /// All of it, to be written to.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.room[self.start..self.start + BLOCK_BYTES]
    }
}

impl Default for Block {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_starts_on_its_boundary() {
        let blocks: Vec<_> = (0..5).map(|_| Block::new()).collect();
        for mut block in blocks {
            assert_eq!(block.as_slice().as_ptr().align_offset(ALIGN_BYTES), 0);
            assert_eq!(block.as_mut_slice().len(), BLOCK_BYTES);
        }
    }
}
