//! Reads a file from one end to the other into a buffer that starts on a page, and does nothing with it.

use std::fs::File;
use std::io::Read;

const PAGE_BYTES: usize = 4096;

/// Reads `block_bytes` at a time.
pub fn run(path: &str, block_bytes: usize) {
    let mut file = File::open(path).expect("the file can be opened");
    let mut room = vec![0; block_bytes + PAGE_BYTES];
    let start = room.as_ptr().align_offset(PAGE_BYTES);
    let block = &mut room[start..start + block_bytes];
    let (mut size_bytes, mut last) = (0, 0);
    loop {
        match file.read(block).expect("the file can be read") {
            0 => break,
            count => {
                size_bytes += count;
                last = block[count - 1];
            }
        }
    }
    println!("{{\"size_bytes\":{size_bytes},\"last\":{last}}}");
}
