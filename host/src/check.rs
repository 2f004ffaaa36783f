//! An analysis tried as its author would want it tried before strangers do: refused here with the words of a server, its
//! golden examples run, its cost measured, and every run done twice to see that it repeats.

mod golden;
mod lints;

use std::io;
use std::io::Read;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use self::golden::Example;
use crate::assembly::Assembly;
use crate::registry::Origin;
use crate::registry::package::Parcel;
use crate::registry::workshop::Analysis;
use crate::registry::workshop::InstallError;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::Usage;
use crate::verify;
use crate::workbench;
use crate::workbench::Ended;
use crate::workbench::Wish;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Why a server would not take it; nothing else is tried then.
    pub refused: Vec<String>,
    /// What could be better.
    pub advice: Vec<String>,
    pub runs: Vec<Tried>,
}

impl Report {
    /// Whether it can be shipped.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.refused.is_empty() && self.runs.iter().all(|it| it.faults.is_empty())
    }
}

/// One question, asked twice.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// `example 1`, or what the sample is called.
    pub of: String,
    /// Why there is no result, if there is none.
    pub failure: Option<Failure>,
    /// Of the first time.
    pub usage: Usage,
    /// From start to end of the first time, milliseconds.
    pub wall_ms: u64,
    pub artifacts: usize,
    /// What is wrong.
    pub faults: Vec<String>,
}

/// Tries a module, with its golden examples and with samples by name.
///
/// # Errors
/// Of the samples and the disk; whatever is wrong with the module is in the report.
pub async fn check<S: Read>(
    assembly: &Assembly,
    module: Parcel,
    samples: impl IntoIterator<Item = (String, S)>,
) -> io::Result<Report> {
    let analysis = match assembly.registry.install(module, Origin::Directory).await {
        Ok(analysis) => analysis,
        Err(InstallError::Refused(refused)) => return Ok(Report { refused, ..Report::default() }),
        Err(InstallError::Io(error)) => return Err(error),
    };
    let mut report = Report { advice: lints::advice(&analysis.descriptor), ..Report::default() };
    for (number, example) in analysis.descriptor.examples.iter().enumerate() {
        let of = format!("example {}", number + 1);
        match Example::read(example) {
            Ok(example) => report.runs.push(try_example(assembly, &analysis, (of, &example)).await?),
            Err(why) => report.advice.push(format!("{of} cannot be run: {why}")),
        }
    }
    for (of, sample) in samples {
        let upload = workbench::store(assembly, &of, sample).await?;
        if !analysis.descriptor.accepts(&upload.media_type) {
            let accepts = analysis.descriptor.accepts.join(", ");
            report.advice.push(format!("{of} is `{}`, and `accepts` names {accepts}", upload.media_type));
        }
        let (tried, _) = try_twice(assembly, &analysis, (of, Wish::default()), &upload).await?;
        report.runs.push(tried);
    }
    Ok(report)
}

async fn try_example(
    assembly: &Assembly,
    analysis: &Arc<Analysis>,
    (of, example): (String, &Example),
) -> io::Result<Tried> {
    let upload = workbench::store(assembly, "example", example.input.as_slice()).await?;
    let wish = Wish { args: example.args.clone(), ..Wish::default() };
    let (mut tried, ended) = try_twice(assembly, analysis, (of, wish), &upload).await?;
    match ended.map(|ended| (golden::result(&ended), ended.outcome)) {
        Some((Some(found), _)) => {
            let differs = golden::difference(&example.result, &found);
            tried.faults.extend(differs.map(|it| format!("the result is not that of the example {it}")));
        }
        Some((None, Err(failure))) => {
            tried.faults.push(format!("there is no result: {}: {}", failure.reason.as_str(), failure.detail));
        }
        Some((None, Ok(_))) | None => (),
    }
    Ok(tried)
}

/// Gives the first ending besides, unless the question was not taken at all.
async fn try_twice(
    assembly: &Assembly,
    analysis: &Arc<Analysis>,
    (of, wish): (String, Wish),
    upload: &crate::store::uploads::UploadFacts,
) -> io::Result<(Tried, Option<Ended>)> {
    let mut endings = Vec::new();
    for _ in 0..2 {
        match workbench::ask(assembly, analysis, upload, wish.clone()).await {
            Ok(key) => endings.push(workbench::ended(assembly, key).await?),
            Err(error) => {
                let tried = Tried {
                    of,
                    failure: None,
                    usage: Usage::default(),
                    wall_ms: 0,
                    artifacts: 0,
                    faults: vec![error.to_string()],
                };
                return Ok((tried, None));
            }
        }
    }
    let again = endings.pop();
    let Some((first, again)) = endings.pop().zip(again) else { return Err(io::ErrorKind::NotFound.into()) };
    let mut faults: Vec<_> = verify::differences(&first.record, &again.record)
        .into_iter()
        .map(|it| format!("it does not repeat: {it}"))
        .collect();
    let failure = first.outcome.as_ref().err().cloned();
    if let Some(Failure { reason: reason @ (Reason::Trap | Reason::StackOverflow), detail }) = &failure {
        faults.push(format!("{}: {detail}; a file should end an analysis with a sentence", reason.as_str()));
    }
    let tried = Tried {
        of,
        failure,
        usage: first.record.usage,
        wall_ms: first.record.finished.since(first.record.started),
        artifacts: first.record.artifacts.len(),
        faults,
    };
    Ok((tried, Some(first)))
}

/// A result as JSON.
fn parsed(result: &[u8]) -> Option<Value> {
    serde_json::from_slice(result).ok()
}
