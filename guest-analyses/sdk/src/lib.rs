//! What an analysis needs: its sample, its args, a place for artifacts, and a way to fail with a reason.
//!
//! An analysis is a function from sample and args to something that serializes; see `guest-analyses/README.md`. All
//! of it also works outside of a sandbox, so that `cargo test` can call an analysis with bytes as its sample.

mod artifact;
mod block;
#[cfg(not(all(feature = "typed", target_family = "wasm")))]
mod command;
pub mod contract;
mod failure;
pub mod golden;
pub mod hostile;
mod progress;
mod sample;
#[cfg(all(feature = "typed", target_family = "wasm"))]
pub mod typed;

// How sample, artifacts and progress come and go.
#[cfg(not(all(feature = "typed", target_family = "wasm")))]
use command as face;
#[cfg(all(feature = "typed", target_family = "wasm"))]
use typed as face;

pub use artifact::Artifact;
pub use artifact::write_artifact;
pub use block::BLOCK_BYTES;
pub use block::Block;
#[cfg(not(all(feature = "typed", target_family = "wasm")))]
pub use command::run;
pub use failure::Failure;
pub use progress::Progress;
pub use progress::progress;
pub use sample::Sample;

#[doc(hidden)]
pub use schemars;
#[doc(hidden)]
pub use serde_json;

pub use belljar_sdk_macros::analysis;

/// Without the feature `typed` there is nothing to export.
#[cfg(not(all(feature = "typed", target_family = "wasm")))]
#[doc(hidden)]
#[macro_export]
macro_rules! export_typed {
    ($analysis:expr) => {
        compile_error!("a library is a component of the typed world: give belljar-sdk the feature `typed`");
    };
}

/// Puts the descriptor into the module, where the host reads it without running anything.
#[macro_export]
macro_rules! descriptor {
    ($path:literal) => {
        const DESCRIPTOR: &[u8] = include_bytes!($path);
        $crate::section!($path);
    };
}

/// The section alone.
#[doc(hidden)]
#[macro_export]
macro_rules! section {
    ($path:expr) => {
        #[cfg(target_family = "wasm")]
        #[unsafe(link_section = "belljar:analysis")]
        #[used]
        static DESCRIPTOR_SECTION: [u8; include_bytes!($path).len()] = *include_bytes!($path);
    };
}
