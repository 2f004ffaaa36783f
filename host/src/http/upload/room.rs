//! How much a client may yet send, where its token bounds what its tenant has stored: what is there, what comes in pieces
//! and what is on its way counts.

use std::io;
use std::sync::Arc;

use super::super::Api;
use super::super::error::Problem;
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
    // One of a tenant after the other. What comes is looked at before what is there: an upload that ends meanwhile is in both.
    let turn = api.room.take(api.client).await?;
    let tenant = api.store.tenant();
    let before = api.parts.ledger.coming(tenant);
    let left = of.saturating_sub(stored(api).await?).saturating_sub(before);
    // Of one whose end nobody knows, all that is left.
    let bytes = declared.unwrap_or(left.min(bytes_max));
    if bytes > left || left == 0 {
        return Err(Problem::over_stored(of, left));
    }
    let coming = api.parts.ledger.let_in(tenant, bytes);
    drop(turn);
    Ok(Room { bytes_max: coming.bytes().min(bytes_max), _coming: Some(coming) })
}

/// What is left, where it is bounded.
pub(in super::super) async fn left(api: &Api) -> Result<Option<Left>, Problem> {
    let Some(of) = quota(api) else { return Ok(None) };
    let left = of.saturating_sub(stored(api).await?);
    Ok(Some(Left { quota: Kind::StoredBytes, of, left, whole_in_s: None, window_s: None }))
}

fn quota(api: &Api) -> Option<u64> {
    api.token.as_ref()?.quotas.stored_bytes
}

/// What the tenant has, and what it has begun to send in pieces.
async fn stored(api: &Api) -> io::Result<u64> {
    api.store.index_uploads().await?;
    let store = Arc::clone(&api.store);
    let partial = tokio::task::spawn_blocking(move || {
        let mut bytes = 0_u64;
        for id in store.partial_ids()? {
            // One that cannot be read keeps no other out; `belljar fsck` tells of it.
            let open = store.partial(id).ok().flatten().filter(|it| it.state.is_open());
            bytes = bytes.saturating_add(open.map_or(0, |it| it.length_bytes));
        }
        Ok::<_, io::Error>(bytes)
    });
    let partial = partial.await.map_err(io::Error::other)??;
    Ok(api.store.inventory().map_or(0, |it| it.bytes).saturating_add(partial))
}
