//! The task that owns the scheduler: takes in what others tell, carries out what is decided by orders to the runs' tasks.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::time::Instant;

use super::board::Board;
use super::board::Granted;
use super::board::Live;
use super::board::Phase;
use super::board::Step;
use crate::id::FileKey;
use crate::id::RunKey;
use crate::limits::Limits;
use crate::run::scheduler::Admission;
use crate::run::scheduler::Ask;
use crate::run::scheduler::Bounds;
use crate::run::scheduler::Effect;
use crate::run::scheduler::Event;
use crate::run::scheduler::Last;
use crate::run::scheduler::Refusal;
use crate::run::scheduler::Scheduler;

/// The way to the task. It ends when nobody has one any more.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// Bounded by what sends: a connection asks and waits for the reply, a run has one event at a time.
    messages: mpsc::UnboundedSender<Message>,
}

#[derive(Debug)]
enum Message {
    Ask(Ask, oneshot::Sender<Answer>),
    Hold(Ask, oneshot::Sender<Option<Place>>),
    Delete(FileKey, oneshot::Sender<Vec<watch::Receiver<Phase>>>),
    DeleteIdle(FileKey, oneshot::Sender<bool>),
    Deleted(FileKey),
    Happened(Event),
}

/// What came of asking for a run.
#[derive(Debug)]
pub(super) enum Answer {
    Place(Place),
    /// The same run is on its way, with those limits once it is accepted.
    InFlight(watch::Receiver<Phase>, Granted),
    /// The same run is on its way out.
    Ending(watch::Receiver<Phase>),
    Denied(Refusal),
}

/// A run's place on the board before it is accepted. Dropped, it is given back: a client that goes away leaves nothing.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: RunKey,
    live: Live,
    owner: Owner,
    /// What the owner is told when this is dropped.
    last_word: Event,
}

impl Place {
    /// The run is on disk, with those limits; its task, which gets the orders, is there.
    pub(super) fn accepted(mut self, limits: Limits) {
        // Nobody else has this place, so it has none yet.
        self.live.granted.get_or_init(|| limits);
        self.live.phase.send_replace(Phase::Accepted);
        self.last_word = Event::Accepted(self.key);
    }

    /// An answer was there.
    pub(super) fn answered(mut self) {
        self.last_word = Event::Answered(self.key);
    }

    pub(super) fn live(&self) -> Live {
        self.live.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.owner.tell(self.last_word);
    }
}

impl Owner {
    /// Starts the task.
    pub(super) fn start(bounds: Bounds) -> (Self, Arc<Board>) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let scheduler = Scheduler::new(bounds);
        let board = Arc::new(Board::new(scheduler.load()));
        let task = Task { scheduler, board: Arc::clone(&board), began: Instant::now(), owner: messages.downgrade() };
        tokio::spawn(task.run(inbox));
        (Self { messages }, board)
    }

    pub(super) fn tell(&self, event: Event) {
        self.send(Message::Happened(event));
    }

    pub(super) async fn ask(&self, ask: Ask) -> io::Result<Answer> {
        self.hear(|reply| Message::Ask(ask, reply)).await
    }

    /// A place that no bound is held against, unless the run is on its way.
    pub(super) async fn hold(&self, ask: Ask) -> io::Result<Option<Place>> {
        self.hear(|reply| Message::Hold(ask, reply)).await
    }

    /// From now on until [`Self::deleted`] that file gets no run; those that it has end, and can be waited for.
    pub(super) async fn delete(&self, file: FileKey) -> io::Result<Vec<watch::Receiver<Phase>>> {
        self.hear(|reply| Message::Delete(file, reply)).await
    }

    /// The same for a file that has no run; whether that is so.
    pub(super) async fn delete_idle(&self, file: FileKey) -> io::Result<bool> {
        self.hear(|reply| Message::DeleteIdle(file, reply)).await
    }

    pub(super) fn deleted(&self, file: FileKey) {
        self.send(Message::Deleted(file));
    }

    async fn hear<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> io::Result<T> {
        let (reply, answer) = oneshot::channel();
        self.send(message(reply));
        answer.await.map_err(|_| io::Error::other("the task that schedules runs is gone"))
    }

    fn send(&self, message: Message) {
        // It is gone only when the server is going, or has said so by a panic.
        drop(self.messages.send(message));
    }
}

struct Task {
    scheduler: Scheduler,
    board: Arc<Board>,
    began: Instant,
    owner: mpsc::WeakUnboundedSender<Message>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        loop {
            let due = self.scheduler.due();
            let tick = async {
                match due {
                    Some(due) => tokio::time::sleep_until(self.began + due).await,
                    None => std::future::pending().await,
                }
            };
            let message = tokio::select! {
                message = inbox.recv() => message,
                () = tick => Some(Message::Happened(Event::Tick)),
            };
            let Some(message) = message else { return };
            self.take_in(message);
            while let Some(effect) = self.scheduler.poll() {
                self.carry_out(effect);
            }
            self.board.show_load(self.scheduler.load());
        }
    }

    fn take_in(&mut self, message: Message) {
        // Who asked and does not wait for the reply drops it, and with it a place.
        match message {
            Message::Happened(event) => self.scheduler.handle(event, self.began.elapsed()),
            Message::Deleted(file) => self.scheduler.deleted(file),
            Message::Ask(ask, reply) => drop(reply.send(self.ask(ask))),
            Message::Hold(ask, reply) => {
                let place = self.scheduler.hold(ask).then(|| self.place(ask.key)).flatten();
                drop(reply.send(place));
            }
            Message::DeleteIdle(file, reply) => {
                let idle = self.scheduler.delete_idle(file);
                if reply.send(idle).is_err() && idle {
                    self.scheduler.deleted(file);
                }
            }
            Message::Delete(file, reply) => {
                let keys = self.scheduler.delete(file, self.began.elapsed());
                let ending = keys.into_iter().filter_map(|key| Some(self.board.find(key)?.phase.subscribe()));
                drop(reply.send(ending.collect()));
            }
        }
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        let admission = self.scheduler.ask(ask, self.began.elapsed());
        match (admission, self.board.find(ask.key)) {
            (Admission::Denied(refusal), _) => Answer::Denied(refusal),
            (Admission::InFlight, Some(live)) => Answer::InFlight(live.phase.subscribe(), live.granted),
            (Admission::Ending, Some(live)) => Answer::Ending(live.phase.subscribe()),
            (Admission::Place, _) => self.place(ask.key).map_or(Answer::Denied(Refusal::QueueFull), Answer::Place),
            (Admission::InFlight | Admission::Ending, None) => unreachable!("what the scheduler knows is on the board"),
        }
    }

    /// None when everybody has gone, whoever asked included.
    fn place(&self, key: RunKey) -> Option<Place> {
        let owner = Owner { messages: self.owner.upgrade()? };
        Some(Place { key, live: self.board.put_up(key), owner, last_word: Event::Withdrawn(key) })
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Start(key, number) => self.board.order(key, |orders| orders.step = Step::Try(number)),
            Effect::Kill(key, reason) => self.board.order(key, |orders| orders.kill = Some(reason)),
            Effect::Conclude(key, wish) => self.board.order(key, |orders| orders.step = Step::Conclude(wish)),
            Effect::Over(key, Last::Ended) => self.board.take_down(key, Phase::Ended),
            Effect::Over(key, Last::Answered) => self.board.take_down(key, Phase::Answered),
            Effect::Over(key, Last::Withdrawn) => self.board.take_down(key, Phase::Withdrawn),
        }
    }
}
