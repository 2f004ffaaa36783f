//! An upload as clients see it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::results::view::Listed;
use crate::id::AnalysisName;
use crate::id::FileId;
use crate::id::Sha256;
use crate::store::retention::Held;
use crate::store::uploads::UploadFacts;
use crate::time::Timestamp;

/// A file that is stored.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Upload {
    /// The SHA-1 of its bytes.
    pub(super) file_id: FileId,
    /// As its client named it.
    filename: String,
    /// Its size, bytes.
    size_bytes: u64,
    /// What it is, by its first bytes, else by its name.
    media_type: String,
    /// The same as `file_id`.
    sha1: FileId,
    sha256: Sha256,
    /// When it was stored.
    created: Timestamp,
    /// The path to its bytes.
    download: String,
}

impl From<&UploadFacts> for Upload {
    fn from(facts: &UploadFacts) -> Self {
        Self {
            file_id: facts.sha1,
            filename: facts.filename.clone(),
            size_bytes: facts.size_bytes,
            media_type: facts.media_type.clone(),
            sha1: facts.sha1,
            sha256: facts.sha256,
            created: facts.created,
            download: format!("/download/{}/{}", facts.sha1, facts.safe_name),
        }
    }
}

/// Uploads, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Uploads {
    pub(super) uploads: Vec<Upload>,
}

/// A file that is stored, how long, and what was asked of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UploadInFull")]
pub struct Shown {
    #[serde(flatten)]
    pub(super) upload: Upload,
    /// Lacking while it is being deleted.
    #[serde(flatten)]
    pub(super) kept: Option<Kept>,
    /// The first questions that were asked of it, by `analysis_id`.
    pub(super) analyses: Vec<Listed>,
    /// The path of those after them.
    pub(super) analyses_next: Option<String>,
}

/// How long an upload stays.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kept {
    /// Whether it stays until it is deleted.
    pinned: bool,
    /// When it goes by itself; null where no rule of time says so.
    expires: Option<Timestamp>,
}

impl Kept {
    pub(super) fn new(held: &Held, expires: Option<Timestamp>) -> Self {
        Self { pinned: held.pinned, expires }
    }
}

/// Analyses that take a file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FittingAnalyses")]
pub struct Fitting {
    pub(super) file_id: FileId,
    /// What the file is.
    pub(super) media_type: String,
    pub(super) analyses: Vec<Fit>,
}

/// An analysis that takes a file, and a question that is ready to be asked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FittingAnalysis")]
pub struct Fit {
    pub(super) name: AnalysisName,
    pub(super) version: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Media types that it takes: `*/*` is made for nothing in particular.
    pub(super) accepts: Vec<String>,
    /// The path of what is known of it.
    pub(super) about: String,
    pub(super) question: Ready,
}

/// A body of `POST /analyse`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReadyQuestion")]
pub struct Ready {
    pub(super) file_id: FileId,
    pub(super) analysis: AnalysisName,
    /// Args that the analysis takes; null when none are known.
    pub(super) args: serde_json::Value,
}
