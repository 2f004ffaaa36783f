#![no_main]

#[path = "../../tests/it/fuzzed/bodies.rs"]
#[allow(dead_code, reason = "each target calls one of them")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::multipart(data));
