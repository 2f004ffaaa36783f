//! What an analysis needs: its sample, its args, a place for artifacts, and a way to fail with a reason.
//!
//! An analysis is a function from sample and args to something that serializes; see `guest-analyses/README.md`. All
//! of it also works outside of a sandbox, so that `cargo test` can call an analysis with bytes as its sample.

mod artifact;
mod block;
mod command;
mod failure;
pub mod golden;
mod progress;
mod sample;

pub use artifact::Artifact;
pub use artifact::write_artifact;
pub use block::BLOCK_BYTES;
pub use block::Block;
pub use command::run;
pub use failure::Failure;
pub use progress::Progress;
pub use progress::progress;
pub use sample::Sample;

/// Puts the descriptor into the module, where the host reads it without running anything.
#[macro_export]
macro_rules! descriptor {
    ($path:literal) => {
        const DESCRIPTOR: &[u8] = include_bytes!($path);
        #[cfg(target_family = "wasm")]
        #[unsafe(link_section = "belljar:analysis")]
        #[used]
        static DESCRIPTOR_SECTION: [u8; DESCRIPTOR.len()] = *include_bytes!($path);
    };
}
