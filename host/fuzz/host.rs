//! The parts of the host that are fuzzed, compiled from its own sources under its own name, so that nobody waits for
//! the compiler and the server that they do not need.

#![allow(dead_code, reason = "much of what is here is called by what is not")]

#[path = "../src"]
mod source {
    pub mod analysis;
    pub mod http {
        mod body;
        mod condition;
        pub mod error;
        pub mod fuzzing;
        pub mod upload {
            pub(super) mod form;
            mod intake;
            mod name;
        }
    }
    pub mod id;
    pub mod limits;
    pub mod run;
    pub mod sandbox {
        pub mod admission;
        pub mod errno;
        mod names;
        pub mod path;
        pub mod port;
        pub mod resources;
        pub mod tree;
        pub mod vfs;
    }
    pub mod store;
    pub mod time;
    pub mod wire;
}

pub use source::*;

/// All that is needed of it: why a question is not taken, as `http::error` tells it.
pub mod dispatch {
    /// As in the host.
    #[derive(Debug)]
    pub enum Denied {
        QueueFull { retry_after_s: u64 },
        Deleting,
        Io(std::io::Error),
    }
}
