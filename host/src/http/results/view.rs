//! Runs as clients see them.

use schemars::JsonSchema;
use serde::Serialize;

use super::notification::Notification;
use crate::analysis::args::Args;
use crate::id::AnalysisId;
use crate::id::AnalysisName;
use crate::id::FileId;
use crate::id::ModuleDigest;
use crate::id::RunKey;
use crate::id::SafeName;
use crate::id::Sha256;
use crate::id::TraceId;
use crate::limits::Limits;
use crate::run::Reason;
use crate::run::Status;
use crate::run::Usage;
use crate::store::marks::Revocation;
use crate::store::runs::ArtifactFacts;
use crate::time::Timestamp;

/// The path to a result.
pub(in super::super) fn path(key: RunKey) -> String {
    format!("/results/{}/{}", key.file_id, key.analysis_id)
}

/// What was asked of a file, a page at a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results {
    pub(super) file_id: FileId,
    pub(super) results: Vec<Listed>,
}

/// A run in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListedRun")]
pub struct Listed {
    pub(super) file_id: FileId,
    pub(super) analysis_id: AnalysisId,
    /// Of the analysis, as it was asked for.
    pub(super) analysis: AnalysisName,
    pub(super) status: Status,
    /// Why there is no result, where there will be none.
    pub(super) reason: Option<Reason>,
    /// Whether its module was revoked.
    pub(super) revoked: bool,
    /// When it was asked.
    pub(super) accepted: Timestamp,
    /// The path to its result.
    pub(super) results: String,
}

/// Everything that is known of a run besides its result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Run {
    pub(super) file_id: FileId,
    pub(super) analysis_id: AnalysisId,
    /// Of the analysis, as it was asked for.
    pub(super) analysis: AnalysisName,
    pub(super) status: Status,
    /// Why there is no result, where there will be none.
    pub(super) reason: Option<Reason>,
    /// The reason in a sentence.
    pub(super) detail: Option<String>,
    /// While it runs.
    pub(super) progress: Option<Progress>,
    /// What the request that began it was answered with as `X-Request-Id`.
    pub(super) request_id: Option<TraceId>,
    /// When it was asked.
    pub(super) accepted: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) finished: Option<Timestamp>,
    /// From start to end, milliseconds.
    pub(super) duration_ms: Option<u64>,
    /// How often it was begun.
    pub(super) attempts: Option<u32>,
    pub(super) limits: Limits,
    pub(super) usage: Option<Usage>,
    pub(super) module_sha256: ModuleDigest,
    /// Whether the name stands for another module by now.
    pub(super) superseded: bool,
    /// Why its module is not to be believed, if somebody has said so since.
    pub(super) revoked: Option<Revocation>,
    /// Names all that its program was made by.
    pub(super) engine: Option<String>,
    /// With defaults filled in.
    #[schemars(with = "serde_json::Value")]
    pub(super) args: Args,
    pub(super) artifacts: Vec<Artifact>,
    /// Who wants to know how it ends.
    pub(super) notifications: Vec<Notification>,
}

/// How far a run has come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Progress {
    /// Read of the file, counting repeats, bytes.
    pub(in super::super) bytes_read: u64,
    /// Size of the file, bytes.
    pub(in super::super) size_bytes: u64,
    /// Spent.
    pub(in super::super) fuel: u64,
    /// The most that may be spent.
    pub(in super::super) fuel_max: u64,
    /// From 0 to 1: as the analysis says, or else by bytes read and fuel spent.
    pub(in super::super) fraction: f64,
}

/// A file that an analysis wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Artifact {
    /// As it stands in the link.
    name: SafeName,
    /// As the analysis called it.
    path: String,
    /// Its size, bytes.
    size_bytes: u64,
    media_type: String,
    sha256: Sha256,
    /// The path to its bytes.
    download: String,
}

impl Artifact {
    pub(in super::super) fn new(key: RunKey, it: &ArtifactFacts) -> Self {
        Self {
            name: it.name.clone(),
            path: it.path.clone(),
            size_bytes: it.size_bytes,
            media_type: it.media_type.clone(),
            sha256: it.sha256,
            download: format!("/download/{}/{}/{}", key.file_id, key.analysis_id, it.name),
        }
    }
}
