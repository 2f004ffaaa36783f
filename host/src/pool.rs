//! The server's side of the confined processes: start, talk, kill, bury.

pub mod compile;
pub mod nursery;
pub mod process;
pub mod worker;
