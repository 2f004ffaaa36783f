//! The first wall: the only code that names wasmtime.
//!
//! A module becomes a program ([`compile`]), a program is loaded ([`program`]) and run once per fresh store
//! ([`execute`]) over a virtual file system ([`vfs`]), which it sees through WASI 0.1, WASI 0.2 or the typed world. What reaches the guest is deterministic: its clock starts at
//! 0 and moves by its own sleeps, its random bytes come from the run's key, its directories are sorted.
//!
//! Left to neighbours: the process around it (`confine`), the deadline (`pool` kills), what results mean (`dispatch`).

pub mod admission;
mod clock;
pub mod compile;
mod component;
pub mod engine;
pub mod errno;
pub mod execute;
pub mod limiter;
mod names;
pub mod path;
pub mod port;
pub mod program;
mod random;
pub mod resources;
mod signature;
pub mod tree;
pub mod vfs;
mod wasi;
mod work;

pub use self::work::BYTES_PER_FUEL;
