//! A module tried before it takes another's place: both are asked the same of the same stored files, and told apart.
//!
//! Both run as all runs do, in their turn behind the same walls. What the candidate answered goes again, unless somebody had
//! asked it before; what the current one answers stays.

mod compare;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use tokio::time::Instant;

pub use self::compare::Change;
pub use self::compare::Kind;
use crate::assembly::Assembly;
use crate::dispatch::Again;
use crate::dispatch::Question;
use crate::dispatch::question::Asked;
use crate::id::ClientId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::TraceContext;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::quota::Payer;
use crate::registry::workshop::Analysis;
use crate::run::Priority;
use crate::run::Reason;
use crate::store::uploads::UploadFacts;
use crate::workbench;
use crate::workbench::Ended;

/// Files at the same time.
const AT_ONCE: usize = 2;
/// Uploads that are looked at for a sample, for each that is wanted.
const LOOKED_AT: usize = 20;
/// Runs of a file that are looked at for what was asked of it.
const RUNS_LOOKED_AT: usize = 200;

/// What is tried.
#[derive(Debug, Clone)]
pub struct Trial {
    pub current: Arc<Analysis>,
    pub candidate: Arc<Analysis>,
    /// Who wants to know: it counts as theirs.
    pub client: ClientId,
    /// Who is charged for what is not answered already.
    pub payer: Option<Payer>,
    /// The request that asks.
    pub trace: Option<TraceContext>,
    /// At most so many, the newest that the current one takes.
    pub files: usize,
    /// What has not ended by then is left out.
    pub until: Instant,
}

/// What came of a trial.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Comparison {
    /// Of each file.
    pub files: Vec<Compared>,
    /// Files of which nothing can be said, and why.
    pub left_out: Vec<LeftOut>,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Compared {
    pub file_id: FileId,
    /// What both were asked with.
    pub args: Value,
    pub verdict: Verdict,
    /// Where the results differ, by JSON Pointer (RFC 6901): the first hundred places.
    pub changes: Vec<Change>,
    /// How many places there are in all.
    pub changes_count: usize,
    /// Artifacts that are not there in both, or with other bytes: paths as the guest calls them.
    pub artifacts_changed: Vec<String>,
    /// Why the current one fails, if it does.
    pub reason_before: Option<Reason>,
    /// Why the candidate fails, if it does.
    pub reason_after: Option<Reason>,
    /// Fuel of the candidate for each unit of the current one's.
    pub fuel_ratio: Option<f64>,
}

/// How a candidate does on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both succeed with the same, or fail for the same reason.
    Same,
    Changed,
    /// It fails where the current one does not.
    NewlyFailing,
    /// It succeeds where the current one does not.
    NewlySuccessful,
}

/// A file that nothing can be said of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeftOut {
    pub file_id: FileId,
    pub why: String,
}

impl Trial {
    /// Tries the candidate.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn run(self, assembly: &Assembly) -> io::Result<Comparison> {
        let sample = self.sample(assembly).await?;
        let each = sample.into_iter().map(async |upload| {
            let file_id = upload.sha1;
            (file_id, self.compare(assembly, upload).await)
        });
        let tried: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let mut comparison = Comparison::default();
        for (file_id, compared) in tried {
            match compared {
                Ok(compared) => comparison.files.push(compared),
                Err(why) => comparison.left_out.push(LeftOut { file_id, why }),
            }
        }
        Ok(comparison)
    }

    async fn sample(&self, assembly: &Assembly) -> io::Result<Vec<UploadFacts>> {
        let mut page = assembly.store.uploads(None, self.files.saturating_mul(LOOKED_AT)).await?;
        page.entries.retain(|it| self.current.descriptor.accepts(&it.media_type));
        page.entries.truncate(self.files);
        Ok(page.entries)
    }

    /// Why not, where nothing can be said.
    async fn compare(&self, assembly: &Assembly, upload: UploadFacts) -> Result<Compared, String> {
        let told = |error: io::Error| error.to_string();
        if !self.candidate.descriptor.accepts(&upload.media_type) {
            return Err(format!("the candidate does not take {}", upload.media_type));
        }
        let args = self.asked_before(assembly, upload.sha1).map_err(told)?;
        let before = self.answer(assembly, (&self.current, &upload), args.clone()).await?;
        let (key, known) = self.key(assembly, (&self.candidate, &upload), args.clone())?;
        let after = self.answer(assembly, (&self.candidate, &upload), args.clone()).await;
        let compared = match after {
            Ok(after) => tokio::task::spawn_blocking(move || compare::compare(upload.sha1, args, (&before, &after)))
                .await
                .map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        if !known {
            assembly.dispatch.remove(key).await.map_err(told)?;
        }
        compared
    }

    /// The args that this file was asked with last; none where it never was.
    fn asked_before(&self, assembly: &Assembly, file_id: FileId) -> io::Result<Value> {
        let runs = assembly.store.runs_of(file_id, None, RUNS_LOOKED_AT)?;
        let of_it = runs.entries.into_iter().filter(|(_, it)| it.analysis == self.current.descriptor.name);
        let last = of_it.max_by_key(|(_, it)| it.accepted);
        Ok(last.map_or_else(|| Value::Object(Map::new()), |(_, it)| it.args.document()))
    }

    fn question(
        &self,
        assembly: &Assembly,
        (analysis, upload): (&Arc<Analysis>, &UploadFacts),
        args: Value,
    ) -> Result<Question, String> {
        let invalid = |errors| workbench::AskError::Args(errors).to_string();
        let asked = Asked {
            name: self.current.descriptor.name.clone(),
            args: analysis.args.canonical(args).map_err(invalid)?,
            limits: Limits::resolve(assembly.caps, &analysis.descriptor.limits, &AskedLimits::default()),
            priority: Priority::Bulk,
            again: Again::IfNeeded,
            client: self.client,
            payer: self.payer,
            trace: self.trace,
            accepted: assembly.clock.now(),
        };
        Ok(Question::new(Arc::clone(analysis), (Arc::clone(&assembly.store), upload.clone()), asked))
    }

    /// What it is called, and whether somebody has asked it before.
    fn key(
        &self,
        assembly: &Assembly,
        of: (&Arc<Analysis>, &UploadFacts),
        args: Value,
    ) -> Result<(RunKey, bool), String> {
        let key = self.question(assembly, of, args)?.key;
        let known = assembly.store.config(key).map_err(|error| error.to_string())?.is_some();
        Ok((key, known))
    }

    async fn answer(
        &self,
        assembly: &Assembly,
        of: (&Arc<Analysis>, &UploadFacts),
        args: Value,
    ) -> Result<Ended, String> {
        let question = self.question(assembly, of, args)?;
        let key = question.key;
        assembly.dispatch.submit(question, Duration::ZERO).await.map_err(|denied| denied.to_string())?;
        match tokio::time::timeout_at(self.until, workbench::ended(assembly, key)).await {
            Ok(ended) => ended.map_err(|error| error.to_string()),
            Err(_) => Err("it had not ended when time was up".to_owned()),
        }
    }
}
