//! A server's state and its limits as clients see them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::limits::CompileLimits;
use crate::limits::Limits;
use crate::store::retention::Rules;
use crate::wire::Wall;

/// Whether work can be taken, and what there is to do it with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Readiness {
    pub(super) ready: bool,
    pub(super) disk: Disk,
    pub(super) queue: Queue,
    pub(super) workers: Workers,
    pub(super) walls: Walls,
    /// Names the engine that programs are made for.
    pub(super) engine: String,
    /// How many can be run.
    pub(super) analyses: usize,
    /// The verdict of the last `belljar selftest --data`, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub(super) selftest: Option<Value>,
}

/// Where uploads and results are kept.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own, as it stands in JSON")]
pub struct Disk {
    /// Whether more is free than is kept in reserve.
    pub(super) room: bool,
    /// Whether it can be written to.
    pub(super) writes: bool,
    pub(super) free_bytes: u64,
    pub(super) reserve_bytes: u64,
}

/// Runs that have not ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queue {
    pub(super) in_flight: usize,
    pub(super) max: usize,
}

/// Processes that carry runs out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Workers {
    pub(super) max: usize,
    /// Warm, and without a run.
    pub(super) idle: usize,
}

/// What stands between an analysis and this server.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own, as it stands in JSON")]
pub struct Walls {
    /// The engine's.
    pub(super) wasm: bool,
    /// The process', whether the whole of it stands.
    pub(super) process: bool,
    pub(super) landlock: Wall,
    pub(super) seccomp: Wall,
    pub(super) no_new_privs: Wall,
    /// The server sees what memory and CPU time a worker takes.
    pub(super) proc: Wall,
    /// What does not stand, in words.
    pub(super) lacking: Vec<&'static str>,
}

/// Every default and every cap.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Caps {
    /// What a run gets when nobody asks.
    pub(super) default: Limits,
    /// The most that an analysis may be granted.
    pub(super) cap: Limits,
    /// What installing a module may cost.
    pub(super) compile: CompileLimits,
    /// The longest upload, bytes.
    pub(super) upload_bytes: u64,
    /// The longest args in canonical form, bytes.
    pub(super) args_bytes: usize,
    /// Runs that have not ended, at most.
    pub(super) queue: usize,
    /// Analyses that clients may have installed at the same time.
    pub(super) analyses: usize,
    /// Versions of each that can be asked for, the current one among them.
    pub(super) versions: usize,
    /// Kept free on the disk, bytes.
    pub(super) disk_reserve_bytes: u64,
    pub(super) retention: Rules,
    pub(super) resumable: ResumableBounds,
    pub(super) notify: NotifyBounds,
}

/// Of uploads that come in pieces.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResumableBounds {
    /// On their way at the same time, for all clients together.
    pub(in super::super) uploads: usize,
    /// Kept without a further piece, milliseconds.
    pub(in super::super) expire_ms: u64,
}

/// Of who is told how runs end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotifyBounds {
    /// Receivers in one question.
    pub(super) receivers: usize,
    /// Of one client, for one run.
    pub(super) receivers_of_run: usize,
    /// Still to be told, for all clients together; 0 where nobody is.
    pub(super) pending: usize,
}
