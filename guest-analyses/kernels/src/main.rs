//! What the benchmarks run inside a sandbox: `kernels NAME [ARGUMENT…]`.
//!
//! The compute kernels make their own input, so that nothing but compute is measured; all print one JSON document, so
//! that nothing can be optimised away. `count` and `read` are about starting and reading instead.

mod compute;
mod count;
mod read;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["count", path] => count::run(path),
        ["read", path, block_bytes] => read::run(path, number(block_bytes)),
        [kernel, times] => {
            let times = number(times);
            let checksum = match kernel {
                "sha256" => compute::sha256(times),
                "entropy" => compute::entropy(times),
                "json" => compute::json(times),
                "csv" => compute::csv(times),
                "sort" => compute::sort(times),
                _ => return ExitCode::FAILURE,
            };
            println!("{{\"checksum\":{checksum}}}");
        }
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}
