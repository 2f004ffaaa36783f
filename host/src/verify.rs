//! A stored run done again, elsewhere: the same question over the same bytes must give the same bytes.
//!
//! The original data directory is only read, whether a server works on it or not; the second run has a store of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::assembly::Assembly;
use crate::dispatch::Again;
use crate::dispatch::Question;
use crate::dispatch::question::Asked;
use crate::id::ClientId;
use crate::id::RunKey;
use crate::registry::Origin;
use crate::registry::workshop::InstallError;
use crate::run::Priority;
use crate::store::Store;
use crate::store::runs::RunConfig;
use crate::store::runs::RunRecord;
use crate::store::uploads::UploadFacts;
use crate::workbench;

/// What is on record of a run, and what it is called to be compared with.
#[derive(Debug)]
pub struct Original {
    pub key: RunKey,
    pub upload: UploadFacts,
    pub config: RunConfig,
    pub record: RunRecord,
    pub module: Bytes,
}

/// Why it cannot be done again.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("no such file is stored here")]
    NoFile,
    #[error("no such run has ended here")]
    NoRun,
    #[error("the module of that run is no longer stored")]
    NoModule,
    #[error("the stored file is not what its id says: its bytes have changed")]
    Rotten,
    #[error("the module cannot be installed: {0}")]
    Refused(#[from] InstallError),
    #[error("the second run did not come about: {0}")]
    Lost(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads what is on record of a run.
///
/// # Errors
/// [`VerifyError`], by what is not there.
pub fn find(store: &Store, key: RunKey) -> Result<Original, VerifyError> {
    let upload = store.upload(key.file_id)?.ok_or(VerifyError::NoFile)?;
    let config = store.config(key)?.ok_or(VerifyError::NoRun)?;
    let record = store.record(key)?.filter(|it| it.generation == config.generation).ok_or(VerifyError::NoRun)?;
    let module = store.module(config.module)?.ok_or(VerifyError::NoModule)?.into();
    Ok(Original { key, upload, config, record, module })
}

/// Does the run again in `assembly`, and tells in what it differs: nothing, when it is the same.
///
/// # Errors
/// [`VerifyError`].
pub async fn again(
    store: &Store,
    original: &Original,
    assembly: &Assembly,
) -> Result<(RunRecord, Vec<String>), VerifyError> {
    copy(store, original, assembly).await?;
    let analysis = assembly.registry.install(original.module.clone().into(), Origin::Directory).await?;
    let config = &original.config;
    let lost = |error: &dyn std::fmt::Display| VerifyError::Lost(error.to_string());
    let args = analysis.args.canonical(config.args.document()).map_err(|_| lost(&"its args are no longer valid"))?;
    let asked = Asked {
        name: config.analysis.clone(),
        args,
        limits: config.limits,
        priority: Priority::Interactive,
        again: Again::Always,
        client: ClientId::Server,
        payer: None,
        trace: None,
        accepted: assembly.clock.now(),
    };
    let question = Question::new(Arc::clone(&analysis), (Arc::clone(&assembly.store), original.upload.clone()), asked);
    let key = question.key;
    assembly.dispatch.submit(question, Duration::ZERO).await.map_err(|denied| lost(&denied))?;
    assembly.dispatch.ended(key).await;
    let record = assembly.store.record(key)?.ok_or_else(|| lost(&"it has no ending"))?;
    let mut differences = differences(&original.record, &record);
    if key.of(original.key.tenant) != original.key {
        differences.push(format!("it is another question: {key} instead of {}", original.key));
    }
    Ok((record, differences))
}

/// The file goes along, and is seen to be what its id says.
async fn copy(store: &Store, original: &Original, assembly: &Assembly) -> Result<(), VerifyError> {
    let Original { upload, .. } = original;
    let staged = workbench::stage(assembly, &upload.filename, store.open_upload(upload)?)?;
    if (staged.sha1, staged.sha256) != (upload.sha1, upload.sha256) {
        return Err(VerifyError::Rotten);
    }
    assembly.store.publish_upload(staged.upload, upload).await?;
    Ok(())
}

/// In what one run came to something else than another.
#[must_use]
pub fn differences(before: &RunRecord, after: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    if before.ending_sha256 != after.ending_sha256 {
        found.push(format!("the result: {} before, {} now", before.ending_sha256, after.ending_sha256));
    }
    let names = |record: &RunRecord| -> std::collections::BTreeMap<_, _> {
        record.artifacts.iter().map(|it| (it.path.clone(), (it.name.clone(), it.sha256))).collect()
    };
    let (before, after) = (names(before), names(after));
    for path in before.keys().chain(after.keys().filter(|it| !before.contains_key(*it))) {
        match (before.get(path), after.get(path)) {
            (Some(old), Some(new)) if old == new => (),
            (Some(_), Some(_)) => found.push(format!("the artifact {path}: other bytes")),
            (Some(_), None) => found.push(format!("the artifact {path}: not there now")),
            (None, _) => found.push(format!("the artifact {path}: not there before")),
        }
    }
    found
}
