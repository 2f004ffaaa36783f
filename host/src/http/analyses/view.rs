//! An installed analysis as clients see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::analysis::module::ModuleKind;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::registry::workshop;

/// An analysis, as its author describes it and this server runs it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Analysis {
    name: AnalysisName,
    version: String,
    title: String,
    description: String,
    license: String,
    authors: Vec<String>,
    homepage: String,
    /// Media types that it takes, `text/*` and `*/*` among them.
    accepts: Vec<String>,
    /// JSON Schema 2020-12 of its args.
    args: Value,
    /// JSON Schema 2020-12 of its result; null where it says nothing of it.
    result: Option<Value>,
    /// Its version, as far as answers are concerned.
    module_sha256: ModuleDigest,
    /// What a run of it gets when its client does not ask for less.
    limits: Limits,
    /// The trusted key that its module is signed with, by the operator's name for it.
    signed_by: Option<String>,
    /// What it imports.
    capabilities: Vec<String>,
    kind: ModuleKind,
}

impl Analysis {
    pub(in crate::http) fn new(analysis: &workshop::Analysis, caps: Limits) -> Self {
        let it = analysis.descriptor.clone();
        Self {
            name: it.name,
            version: it.version,
            title: it.title,
            description: it.description,
            license: it.license,
            authors: it.authors,
            homepage: it.homepage,
            accepts: it.accepts,
            args: it.args,
            result: it.result,
            module_sha256: analysis.module,
            limits: Limits::resolve(caps, &it.limits, &AskedLimits::default()),
            signed_by: analysis.signed_by.clone(),
            capabilities: analysis.capabilities.clone(),
            kind: analysis.kind,
        }
    }
}

/// What can be run, a page at a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Analyses {
    pub(super) analyses: Vec<Analysis>,
}
