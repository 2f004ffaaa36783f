//! The least that an analysis does: read one small file, print JSON. `scripts/bench` compiles this very file natively
//! too, as what a process per job costs.

use std::io::Write;

/// Prints the file's size and the sum of its bytes.
pub fn run(path: &str) {
    let bytes = std::fs::read(path).expect("the file can be read");
    let sum: u64 = bytes.iter().copied().map(u64::from).sum();
    let json = format!("{{\"size_bytes\":{},\"sum\":{sum}}}\n", bytes.len());
    std::io::stdout().write_all(json.as_bytes()).expect("stdout can be written");
}
