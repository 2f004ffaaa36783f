//! One analysis over some files without a server: by the same store, registry, dispatch and workers, hence with the same
//! limits, the same bytes and the same reasons.

use std::io;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::analysis::schema::Invalid;
use crate::assembly::Assembly;
use crate::dispatch::Again;
use crate::dispatch::Question;
use crate::dispatch::question::Asked;
use crate::id::ClientId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::id::Sha256;
use crate::limits::AskedLimits;
use crate::limits::Limits;
use crate::registry::workshop::Analysis;
use crate::run::Failure;
use crate::run::Priority;
use crate::store::digest::Digests;
use crate::store::media_type;
use crate::store::runs::RunRecord;
use crate::store::runs::RunState;
use crate::store::uploads::StagedUpload;
use crate::store::uploads::UploadFacts;

const BLOCK_BYTES: usize = 1 << 20;

/// What somebody wants to know of a file.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// An object; nothing stands for an empty one.
    pub args: Value,
    pub limits: AskedLimits,
}

/// What came of it.
#[derive(Debug)]
pub struct Ended {
    pub key: RunKey,
    pub record: RunRecord,
    /// The result as it is stored, or why there is none.
    pub outcome: Result<Vec<u8>, Failure>,
}

/// Why nothing was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{}", told(.0))]
    Args(Vec<Invalid>),
    #[error("{0}")]
    Denied(String),
}

fn told(invalid: &[Invalid]) -> String {
    let each = |it: &Invalid| match it.pointer.as_str() {
        "" => format!("args: {}", it.detail),
        pointer => format!("args at {pointer}: {}", it.detail),
    };
    invalid.iter().map(each).collect::<Vec<_>>().join("; ")
}

/// A file on its way to be an upload, with what is found in reading it.
#[derive(Debug)]
pub struct Staged {
    pub upload: StagedUpload,
    pub sha1: FileId,
    pub sha256: Sha256,
    pub size_bytes: u64,
    /// What its media type is told by.
    pub head: Vec<u8>,
}

/// Stages a file.
///
/// # Errors
/// Of the source, and of the disk.
pub fn stage(assembly: &Assembly, name: &str, mut source: impl Read) -> io::Result<Staged> {
    let mut upload = assembly.store.stage_upload(name)?;
    let mut digests = Digests::default();
    let mut block = vec![0; BLOCK_BYTES];
    let (mut head, mut size_bytes) = (None, 0);
    loop {
        let count = source.read(&mut block)?;
        if count == 0 {
            break;
        }
        digests.update(&block[..count]);
        upload.write(&block[..count])?;
        head.get_or_insert_with(|| block[..count.min(media_type::HEAD_BYTES)].to_vec());
        size_bytes += u64::try_from(count).unwrap_or(u64::MAX);
    }
    let (sha1, sha256) = digests.finish();
    Ok(Staged { upload, sha1, sha256, size_bytes, head: head.unwrap_or_default() })
}

/// Stores a file as an upload.
///
/// # Errors
/// Of the source, and of the disk.
pub async fn store(assembly: &Assembly, name: &str, source: impl Read) -> io::Result<UploadFacts> {
    let Staged { upload, sha1, sha256, size_bytes, head } = stage(assembly, name, source)?;
    let facts = UploadFacts {
        version: 1,
        filename: name.to_owned(),
        safe_name: upload.safe_name().clone(),
        size_bytes,
        media_type: media_type::of(&head, upload.safe_name().as_str()),
        sha1,
        sha256,
        created: assembly.clock.now(),
    };
    assembly.store.publish_upload(upload, &facts).await?;
    Ok(facts)
}

/// Asks an analysis of a file, also if it was asked before.
///
/// # Errors
/// [`AskError`].
pub async fn ask(
    assembly: &Assembly,
    analysis: &Arc<Analysis>,
    upload: &UploadFacts,
    wish: Wish,
) -> Result<RunKey, AskError> {
    let args = if wish.args.is_null() { Value::Object(serde_json::Map::new()) } else { wish.args };
    let asked = Asked {
        name: analysis.descriptor.name.clone(),
        args: analysis.args.canonical(args).map_err(AskError::Args)?,
        limits: Limits::resolve(assembly.caps, &analysis.descriptor.limits, &wish.limits),
        priority: Priority::Interactive,
        again: Again::Always,
        client: ClientId::Server,
        payer: None,
        trace: None,
        accepted: assembly.clock.now(),
    };
    let question = Question::new(Arc::clone(analysis), (Arc::clone(&assembly.store), upload.clone()), asked);
    let key = question.key;
    assembly.dispatch.submit(question, Duration::ZERO).await.map_err(|denied| AskError::Denied(denied.to_string()))?;
    Ok(key)
}

/// Waits for the end of what was asked.
///
/// # Errors
/// Of the disk.
pub async fn ended(assembly: &Assembly, key: RunKey) -> io::Result<Ended> {
    assembly.dispatch.ended(key).await;
    let missing = || io::Error::new(io::ErrorKind::NotFound, "it has no ending");
    let record = assembly.store.record(key)?.ok_or_else(missing)?;
    let outcome = match assembly.store.state(key)? {
        RunState::Failed(failure) => Err(failure),
        RunState::Successful => {
            let mut result = Vec::new();
            assembly.store.open_result(key)?.ok_or_else(missing)?.0.read_to_end(&mut result)?;
            Ok(result)
        }
        RunState::Unknown | RunState::Pending => return Err(missing()),
    };
    Ok(Ended { key, record, outcome })
}
