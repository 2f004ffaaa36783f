//! From a request that has its turn to bytes that count, and from the last of them to a stored file.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::TryStreamExt;

use super::super::Api;
use super::super::body;
use super::super::body::BodyError;
use super::super::error::Problem;
use super::super::upload;
use super::super::upload::intake::Block;
use super::super::upload::intake::Lane;
use super::super::upload::intake::Received;
use super::asked::Checksum;
use super::asked::Piece;
use super::has_ended;
use super::on_disk;
use super::turns::Turn;
use crate::id::PartialId;
use crate::store::Store;
use crate::store::disk::NewFile;
use crate::store::media_type::HEAD_BYTES;
use crate::store::partial::Partial;
use crate::store::partial::State;
use crate::time::Clock;

/// Bytes of a piece after which what has come is made to count: no more is lost when the server dies.
const COUNTED_EVERY_BYTES: u64 = 16 << 20;

/// An upload as its request found it.
enum Found {
    Open(Box<Open>),
    Stored(Partial),
}

/// One that is not whole yet, or not yet stored, and the turn at it.
struct Open {
    api: Api,
    id: PartialId,
    turn: Turn,
    partial: Partial,
}

/// What writes one piece, on threads that may block.
struct Pen {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    id: PartialId,
    file: NewFile,
    partial: Partial,
    /// Of [`Partial::offset_bytes`], those that count if the server dies.
    counted_bytes: u64,
    checksum: Option<Checksum>,
}

/// What is known of an upload, if it is neither given up nor forgotten.
pub(super) fn look(api: &Api, id: PartialId) -> Result<Partial, Problem> {
    let partial = api.store.partial(id)?;
    let partial = partial.ok_or_else(|| Problem::not_found("no upload with this id is on its way"))?;
    let expired = partial.state.is_open() && api.resumable.expires(&partial) <= api.parts.clock.now();
    if expired || partial.state == State::Gone {
        return Err(Problem::gone("this upload was given up"));
    }
    Ok(partial)
}

/// Adds a piece, and stores the file if it was the last.
pub(super) async fn append(api: &Api, id: PartialId, (piece, body): (Piece, Body)) -> Result<Partial, Problem> {
    match find(api, id).await? {
        Found::Open(open) => {
            check_offset(&piece, &open.partial)?;
            open.append(piece, body).await?.finish().await
        }
        Found::Stored(partial) => {
            check_offset(&piece, &partial)?;
            // Nothing can follow; a client whose last answer was lost may ask with nothing.
            body::whole(body, 0).await?;
            Ok(partial)
        }
    }
}

/// Stores the file if all of it has come and a server died before it was stored.
pub(super) async fn finish(api: &Api, id: PartialId) -> Result<Partial, Problem> {
    match find(api, id).await? {
        Found::Open(open) => open.finish().await,
        Found::Stored(partial) => Ok(partial),
    }
}

/// Gives it up.
pub(super) async fn end(api: &Api, id: PartialId) -> Result<(), Problem> {
    let (partial, _turn) = match find(api, id).await? {
        Found::Open(open) => (open.partial, Some(open.turn)),
        Found::Stored(partial) => (partial, None),
    };
    let (now, of, client) = (api.parts.clock.now(), api.clone(), partial.client);
    on_disk(api, move |store| {
        let was_open = partial.state.is_open();
        store.give_up_partial(id, partial, now)?;
        // One that was stored is told of already.
        if was_open { has_ended(&of, (id, client)) } else { Ok(()) }
    })
    .await?;
    Ok(())
}

async fn find(api: &Api, id: PartialId) -> Result<Found, Problem> {
    let turn = api.resumable.turns.take(id).await;
    let partial = look(api, id)?;
    match turn {
        Some(turn) if partial.state.is_open() => {
            Ok(Found::Open(Box::new(Open { api: api.clone(), id, turn, partial })))
        }
        // Whoever had the turn before has ended it.
        Some(_) | None if !partial.state.is_open() => Ok(Found::Stored(partial)),
        Some(_) | None => Err(io::Error::other("an open upload has no turns").into()),
    }
}

fn check_offset(piece: &Piece, partial: &Partial) -> Result<(), Problem> {
    if piece.offset_bytes == partial.offset_bytes {
        return Ok(());
    }
    Err(Problem::wrong_offset(format!("{} bytes have come; go on there", partial.offset_bytes)))
}

impl Open {
    async fn append(mut self, piece: Piece, body: Body) -> Result<Self, Problem> {
        let room = self.partial.length_bytes.saturating_sub(self.partial.offset_bytes);
        let declared = piece.declared.unwrap_or(0);
        if declared > room {
            return Err(BodyError::TooLarge { bytes_max: room }.into());
        }
        self.api.store.check_room(declared)?;
        let (id, partial) = (self.id, self.partial.clone());
        let file = on_disk(&self.api, move |store| store.resume_partial(id, &partial)).await?;
        let pen = Pen {
            store: Arc::clone(&self.api.store),
            clock: Arc::clone(&self.api.parts.clock),
            id,
            file,
            partial: self.partial,
            counted_bytes: 0,
            checksum: piece.checksum,
        };
        let pen = Pen { counted_bytes: pen.partial.offset_bytes, ..pen };
        let (pen, ended) = receive(&self.turn, pen, body::frames(body, room)).await?;
        self.partial = on_disk(&self.api, move |_| Ok(pen.put_down(ended))).await??;
        Ok(self)
    }

    /// Stores the file if all of it has come.
    async fn finish(mut self) -> Result<Partial, Problem> {
        if self.partial.offset_bytes < self.partial.length_bytes {
            return Ok(self.partial);
        }
        let (id, partial) = (self.id, self.partial.clone());
        // A few at a time, and one of each client: however much has come, others need the cores and the threads as well.
        let turn = self.api.resumable.finishing.take(partial.client).await?;
        let read = on_disk(&self.api, move |store| store.read_partial(id, &partial, HEAD_BYTES)).await?;
        drop(turn);
        let Some(whole) = read else {
            // A server died when it was in place and nobody had been told.
            return match self.partial.state {
                State::Placing(file_id) => self.close(State::Stored(file_id)).await,
                State::Receiving | State::Stored(_) | State::Gone => {
                    Err(io::Error::other("the bytes of an upload are not there").into())
                }
            };
        };
        self.partial.state = State::Placing(whole.digests.clone().finish().0);
        let partial = self.partial.clone();
        let staged = on_disk(&self.api, move |store| {
            store.note_partial(id, &partial)?;
            store.stage_partial(id, &partial)
        });
        let received = Received {
            staged: staged.await?,
            digests: whole.digests,
            head: whole.head,
            size_bytes: self.partial.length_bytes,
        };
        match upload::publish(&self.api, self.partial.filename.clone(), received).await? {
            Some(facts) => self.close(State::Stored(facts.sha1)).await,
            None => {
                self.close(State::Gone).await?;
                Err(Problem::collision())
            }
        }
    }

    async fn close(mut self, state: State) -> Result<Partial, Problem> {
        self.partial.state = state;
        self.partial.used = self.api.parts.clock.now();
        let (id, partial, of) = (self.id, self.partial.clone(), self.api.clone());
        on_disk(&self.api, move |store| {
            store.close_partial(id, &partial)?;
            has_ended(&of, (id, partial.client))
        })
        .await?;
        Ok(self.partial)
    }
}

/// Writes what comes until it ends, breaks off, or another request wants the turn; tells how it ended.
async fn receive(
    turn: &Turn,
    pen: Pen,
    frames: impl Stream<Item = Result<Bytes, BodyError>>,
) -> io::Result<(Pen, Result<(), Problem>)> {
    let mut lane = Lane::Idle(pen);
    let mut block = Block::default();
    let mut frames = std::pin::pin!(frames);
    let mut wanted = std::pin::pin!(turn.is_wanted());
    let ended = loop {
        let frame = tokio::select! {
            biased;
            () = &mut wanted => break Err(Problem::wrong_offset("another request goes on with this upload")),
            frame = frames.try_next() => Some(frame),
            () = block.is_due() => None,
        };
        match frame {
            Some(Ok(Some(frame))) => block.push(frame),
            Some(Ok(None)) => break Ok(()),
            Some(Err(error)) => break Err(error.into()),
            None => (),
        }
        if block.is_whole() {
            let block = std::mem::take(&mut block);
            lane = lane.work(move |pen| pen.write(&block)).await?;
        }
    };
    let pen = lane.work(move |pen| pen.write(&block)).await?.idle().await?;
    Ok((pen, ended))
}

impl Pen {
    fn write(mut self, block: &Block) -> io::Result<Self> {
        let Self { store, file, checksum, .. } = &mut self;
        block.write(store, |part| {
            if let Some(checksum) = checksum {
                checksum.update(part);
            }
            store.disk().write(file, part)
        })?;
        self.partial.offset_bytes += u64::try_from(block.bytes).unwrap_or(u64::MAX);
        if self.checksum.is_none() && self.partial.offset_bytes - self.counted_bytes >= COUNTED_EVERY_BYTES {
            self.count()?;
        }
        Ok(self)
    }

    fn count(&mut self) -> io::Result<()> {
        self.partial.used = self.clock.now();
        self.store.count_partial(self.id, &self.file, &self.partial)?;
        self.counted_bytes = self.partial.offset_bytes;
        Ok(())
    }

    /// Lets what came count, unless it is held to a checksum that it does not keep; durable on return.
    fn put_down(mut self, ended: Result<(), Problem>) -> Result<Partial, Problem> {
        match (&ended, self.checksum.take()) {
            (Err(_), Some(_)) => return ended.map(|()| self.partial),
            (Ok(()), Some(checksum)) if !checksum.is_kept() => return Err(Problem::checksum()),
            (Ok(()) | Err(_), _) => (),
        }
        self.count()?;
        self.store.disk().settle()?;
        ended.map(|()| self.partial)
    }
}
