//! Whether an answer that is on disk will do for who asks now.

use std::io;

use super::Again;
use super::Question;
use crate::limits::Limits;
use crate::run::Fault;
use crate::store::runs::RunState;

/// What there is on disk of an answer.
pub(super) enum Former {
    None,
    /// One that will do.
    Stands,
    /// One that would, had its run had no less than is asked for now: limits are no part of the question.
    HadLess(Limits),
}

/// Looks for one.
///
/// # Errors
/// Of the disk.
pub(super) fn former(question: &Question) -> io::Result<Former> {
    let store = &question.store;
    let hangs_on_limits = match store.state(question.key)? {
        RunState::Unknown | RunState::Pending => return Ok(Former::None),
        RunState::Failed(failure) if failure.reason.fault() != Fault::Module => return Ok(Former::None),
        RunState::Failed(failure) => failure.reason.hangs_on_limits(),
        // A guest may notice what it is refused, and say another thing.
        RunState::Successful => true,
    };
    if question.again == Again::Always {
        return Ok(Former::None);
    }
    let former = store.config(question.key)?;
    // What one client's file did to a worker is not carried to another client by an answer.
    let others = former.as_ref().is_some_and(|former| former.client != question.config.client);
    let limits = former.map(|former| former.limits);
    if others && store.record(question.key)?.is_some_and(|record| record.reused) {
        // The next takes its place, so it has no less.
        return Ok(limits.map_or(Former::None, Former::HadLess));
    }
    if !hangs_on_limits {
        return Ok(Former::Stands);
    }
    Ok(match limits {
        Some(limits) if limits.covers(question.config.limits) => Former::Stands,
        Some(limits) => Former::HadLess(limits),
        None => Former::None,
    })
}
