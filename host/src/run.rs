//! What a run is and how it ends. Pure: no IO, no clock.
//!
//! ```text
//! accepted ──▶ running ──▶ successful | failed(reason) | dismissed
//!     ▲           │
//!     └── the host's fault, a bounded number of times
//! ```

pub mod notice;
pub mod scheduler;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Why a run has no result: the closed list of the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    OutOfFuel,
    MemoryLimit,
    StackOverflow,
    Trap,
    NonzeroExit,
    BadOutput,
    OutputLimit,
    Denied,
    Deadline,
    HostInterrupted,
    StorageFull,
    EngineError,
    Dismissed,
    FileDeleted,
}

/// Whose fault a reason is, which decides status and repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Would happen again: kept like a result.
    Module,
    /// Depends on the day: kept, and run again when asked again.
    Day,
    /// Ours: tried again a bounded number of times first.
    Host,
    /// The client's own wish.
    Client,
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 14] = [
        Self::OutOfFuel,
        Self::MemoryLimit,
        Self::StackOverflow,
        Self::Trap,
        Self::NonzeroExit,
        Self::BadOutput,
        Self::OutputLimit,
        Self::Denied,
        Self::Deadline,
        Self::HostInterrupted,
        Self::StorageFull,
        Self::EngineError,
        Self::Dismissed,
        Self::FileDeleted,
    ];

    /// Whose fault it is.
    #[must_use]
    pub fn fault(self) -> Fault {
        match self {
            Self::OutOfFuel
            | Self::MemoryLimit
            | Self::StackOverflow
            | Self::Trap
            | Self::NonzeroExit
            | Self::BadOutput
            | Self::OutputLimit
            | Self::Denied => Fault::Module,
            Self::Deadline => Fault::Day,
            Self::HostInterrupted | Self::StorageFull | Self::EngineError => Fault::Host,
            Self::Dismissed | Self::FileDeleted => Fault::Client,
        }
    }

    /// Whether wider limits could give another ending.
    #[must_use]
    pub fn hangs_on_limits(self) -> bool {
        match self {
            Self::OutOfFuel | Self::MemoryLimit | Self::OutputLimit | Self::Deadline => true,
            // What a guest does when it is refused a file or a descriptor is its own affair.
            Self::Trap | Self::NonzeroExit | Self::BadOutput => true,
            Self::StackOverflow
            | Self::Denied
            | Self::HostInterrupted
            | Self::StorageFull
            | Self::EngineError
            | Self::Dismissed
            | Self::FileDeleted => false,
        }
    }

    /// As it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfFuel => "out-of-fuel",
            Self::MemoryLimit => "memory-limit",
            Self::StackOverflow => "stack-overflow",
            Self::Trap => "trap",
            Self::NonzeroExit => "nonzero-exit",
            Self::BadOutput => "bad-output",
            Self::OutputLimit => "output-limit",
            Self::Denied => "denied",
            Self::Deadline => "deadline",
            Self::HostInterrupted => "host-interrupted",
            Self::StorageFull => "storage-full",
            Self::EngineError => "engine-error",
            Self::Dismissed => "dismissed",
            Self::FileDeleted => "file-deleted",
        }
    }
}

/// How far a run is, in the words of OGC API – Processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Accepted,
    Running,
    Successful,
    Failed,
    Dismissed,
}

/// Who can wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody looks at the screen.
    #[default]
    Interactive,
    /// Many files at once: goes when there is room.
    Bulk,
}

/// A reason and the sentence beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub reason: Reason,
    pub detail: String,
}

impl Failure {
    /// Pairs them.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// Which process carries a run out. Pids are given out again; with its start beside it, one is not taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerIdentity {
    pub pid: u32,
    /// When it started, in clock ticks since boot (`starttime` of proc(5)); 0 where that cannot be told.
    pub start_token: u64,
}

/// How far a guest has come, as the sandbox counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoFar {
    /// Of the sample, counting repeats.
    pub bytes_read: u64,
    pub fuel: u64,
    /// Most linear memory held, bytes.
    pub memory_bytes: u64,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Fuel spent; at least so much when not exact.
    pub fuel: u64,
    /// False after a trap, which leaves what was spent since the last call or so uncounted.
    pub fuel_exact: bool,
    /// Most linear memory held, bytes.
    pub memory_bytes_peak: u64,
    /// Bytes read of the sample, counting repeats.
    pub bytes_read: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_the_same_everywhere() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
