//! Belljar: a host that runs analyses from strangers over files from strangers, each in a WebAssembly sandbox.
//!
//! Modules are ranked (see `ARCHITECTURE.md`); `tests/it/layering.rs` enforces it.

#[cfg(all(back_door, not(debug_assertions)))]
compile_error!("the back door is for tests: a build without debug assertions has none");

pub mod access;
pub mod analysis;
pub mod app;
pub mod assembly;
pub mod check;
pub mod cli;
pub mod confine;
pub mod dispatch;
pub mod http;
pub mod id;
pub mod inspect;
pub mod keys;
pub mod limits;
pub mod notify;
pub mod oci;
pub mod places;
pub mod pool;
pub mod quota;
pub mod registry;
pub mod run;
pub mod sandbox;
pub mod selftest;
pub mod store;
pub mod telemetry;
pub mod time;
pub mod trial;
pub mod verify;
pub mod wire;
pub mod workbench;
pub mod worker;
