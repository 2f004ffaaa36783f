//! How a question comes about: named by what is asked of which file, with the limits that it is granted.

use std::sync::Arc;

use super::Again;
use super::Question;
use crate::analysis::args::Args;
use crate::analysis::key::analysis_id;
use crate::id::AnalysisName;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::id::TraceContext;
use crate::limits::Limits;
use crate::quota::Payer;
use crate::registry::workshop::Analysis;
use crate::run::Priority;
use crate::store::Store;
use crate::store::runs::RunConfig;
use crate::store::uploads::UploadFacts;
use crate::time::Timestamp;

/// What somebody wants to know, checked against the analysis that is asked.
#[derive(Debug)]
pub struct Asked {
    /// As the client called the analysis.
    pub name: AnalysisName,
    /// With defaults filled in.
    pub args: Args,
    pub limits: Limits,
    pub priority: Priority,
    pub again: Again,
    pub client: ClientId,
    /// Who is charged for it.
    pub payer: Option<Payer>,
    /// The request that asks.
    pub trace: Option<TraceContext>,
    pub accepted: Timestamp,
}

impl Question {
    /// Asks that of a file.
    #[must_use]
    pub fn new(analysis: Arc<Analysis>, (store, upload): (Arc<Store>, UploadFacts), asked: Asked) -> Self {
        let analysis_id = analysis_id(upload.sha1, &asked.name, analysis.module, asked.args.as_str());
        let config = RunConfig {
            version: 1,
            analysis: asked.name,
            module: analysis.module,
            args: asked.args,
            limits: asked.limits,
            priority: asked.priority,
            client: asked.client,
            token: asked.payer.map(|it| it.token),
            trace: asked.trace,
            accepted: asked.accepted,
            generation: 0,
            crashes: 0,
        };
        let key = RunKey { tenant: store.tenant(), file_id: upload.sha1, analysis_id };
        Self { key, store, analysis, upload, config, payer: asked.payer, again: asked.again }
    }
}
