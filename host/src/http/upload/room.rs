//! How much a client may yet send, where its token bounds what its tenant has stored: what is there, what comes in pieces
//! and what is on its way counts.

use std::io;

use super::super::Api;
use super::super::error::Problem;
use super::super::resumable;
use crate::quota::Coming;
use crate::quota::Kind;
use crate::quota::Left;

/// How long a body may be, and the room that is kept for it.
#[derive(Debug)]
pub(in super::super) struct Room {
    pub(in super::super) bytes_max: u64,
    _coming: Option<Coming>,
}

/// Room for a body of that length, or for as long a one as there may be where it is not known.
pub(in super::super) async fn take(api: &Api, declared: Option<u64>) -> Result<Room, Problem> {
    let bytes_max = api.upload_bytes_max;
    let Some(of) = quota(api) else { return Ok(Room { bytes_max, _coming: None }) };
    // One of a tenant after the other.
    let turn = api.room.take(api.client).await?;
    let left = left_of(api, of).await?;
    // Of one whose end nobody knows, all that is left.
    let bytes = declared.unwrap_or(left.min(bytes_max));
    if bytes > left || left == 0 {
        return Err(Problem::over_stored(of, left));
    }
    let coming = api.parts.ledger.let_in(api.store.tenant(), bytes);
    drop(turn);
    Ok(Room { bytes_max: coming.bytes().min(bytes_max), _coming: Some(coming) })
}

/// What is left, where it is bounded.
pub(in super::super) async fn left(api: &Api) -> Result<Option<Left>, Problem> {
    let Some(of) = quota(api) else { return Ok(None) };
    let left = left_of(api, of).await?;
    Ok(Some(Left { quota: Kind::StoredBytes, of, left, whole_in_s: None, window_s: None }))
}

fn quota(api: &Api) -> Option<u64> {
    api.token.as_ref()?.quotas.stored_bytes
}

/// What comes is looked at before what is there: an upload that ends meanwhile is in both.
async fn left_of(api: &Api, of: u64) -> io::Result<u64> {
    let coming = api.parts.ledger.coming(api.store.tenant());
    api.store.index_uploads().await?;
    let begun = resumable::bytes_begun(api).await?;
    let stored = api.store.inventory().map_or(0, |it| it.bytes);
    Ok([coming, begun, stored].into_iter().fold(of, u64::saturating_sub))
}
