//! Workers that are broken into, played by other programs and by the test at the other end of the channel.

use std::fs::File;
use std::time::Instant;

use super::super::process::stand_in;
use super::*;
use crate::analysis::module::ModuleKind;
use crate::run::Failure;
use crate::run::Usage;
use crate::wire;

const SLEEPS: &[&str] = &["sleep", "600"];
/// Takes 256 MiB, and no end of time.
const TAKES_MEMORY: &[&str] = &["dd", "if=/dev/zero", "of=/dev/null", "bs=256M"];
const FIT: Fit = Fit { module: ModuleDigest::new([0; 32]), stack_bytes: 0, client: ClientId::Server };

fn nothing() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// What loading comes to for a process that does not answer.
async fn not_loaded(words: &[&str], bounds: (Duration, u64)) -> (String, Duration) {
    let nursery = Nursery::open().unwrap();
    let (process, _theirs) = stand_in::start(&nursery, words).await;
    let cargo = Cargo {
        spec: LoadSpec { kind: ModuleKind::Command, files: None },
        program: nothing(),
        module: Some(nothing()),
    };
    let began = Instant::now();
    let refused = tokio::time::timeout(Duration::from_secs(60), loaded(process, cargo, bounds)).await;
    (refused.expect("loading ends").unwrap().unwrap_err(), began.elapsed())
}

#[tokio::test]
async fn a_worker_that_never_answers_over_its_program_is_given_up() {
    let (why, _) = not_loaded(SLEEPS, (Duration::from_millis(200), u64::MAX)).await;
    assert_eq!(why, "loading it takes longer than 200 ms");
}

#[tokio::test]
async fn a_worker_that_takes_memory_over_its_program_is_given_up_at_once() {
    let (why, took) = not_loaded(TAKES_MEMORY, (Duration::from_secs(50), 64 << 20)).await;
    assert_eq!(why, "loading it takes more than 67108864 bytes of memory");
    assert!(took < Duration::from_secs(50));
}

#[tokio::test]
async fn a_worker_that_holds_more_than_an_idle_one_can_is_not_small() {
    let nursery = Nursery::open().unwrap();
    let (process, _theirs) = stand_in::start(&nursery, SLEEPS).await;
    assert!(Worker { process, fit: FIT, lent: HashSet::new() }.is_small());
    let (process, _theirs) = stand_in::start(&nursery, TAKES_MEMORY).await;
    let worker = Worker { process, fit: FIT, lent: HashSet::new() };
    let grown = async {
        while worker.is_small() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), grown).await.expect("it has taken more by now");
}

#[derive(PartialEq)]
enum Room {
    Some,
    None,
}

struct Listener(Room);

impl Attendant for Listener {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        Ok(nothing())
    }

    fn log(&mut self, _: &[u8]) {}

    fn progress(&mut self, _: SoFar) {}

    fn is_full(&self) -> bool {
        self.0 == Room::None
    }
}

/// What a run comes to whose worker says that.
async fn run_by(said: &[Event], disk: Room) -> io::Result<Done> {
    let nursery = Nursery::open().unwrap();
    let (process, theirs) = stand_in::start(&nursery, SLEEPS).await;
    for event in said {
        wire::send(theirs.as_fd(), event, &[]).unwrap();
    }
    let limits = Limits { wall_ms: 1000, ..Limits::DEFAULT };
    let spec = RunSpec { limits, ..RunSpec::default() };
    let mut worker = Worker { process, fit: FIT, lent: HashSet::new() };
    worker.run(spec, nothing(), &mut Listener(disk)).await.map(|(done, _)| done)
}

fn done(outcome: Result<Vec<u8>, Failure>, fuel: u64) -> Event {
    Event::Done(Done { outcome, log_tail: Vec::new(), usage: Usage { fuel, ..Usage::default() } })
}

#[tokio::test]
async fn a_worker_gives_no_reason_that_is_the_servers_to_give() {
    for reason in Reason::ALL {
        let said = [done(Err(Failure::new(reason, "so it is")), 0)];
        let own = reason.fault() == Fault::Module;
        match run_by(&said, Room::Some).await {
            Ok(done) => assert!(own && done.outcome.unwrap_err().reason == reason, "{reason:?}"),
            Err(error) => assert!(!own && error.to_string().contains(reason.as_str()), "{reason:?}: {error}"),
        }
        let believed = run_by(&said, Room::None).await.is_ok();
        assert_eq!(believed, own || reason == Reason::StorageFull, "{reason:?} on a full disk");
    }
}

#[tokio::test]
async fn a_worker_claims_no_more_fuel_than_the_run_had_and_no_control_characters() {
    let told = run_by(&[done(Err(Failure::new(Reason::Trap, "a\u{1b}[2Jb\n")), u64::MAX)], Room::Some).await.unwrap();
    assert_eq!(told.usage.fuel, Limits::DEFAULT.fuel(0));
    assert_eq!(told.outcome.unwrap_err().detail, "a [2Jb ");
}

#[tokio::test]
async fn a_worker_claims_no_more_memory_and_reading_than_the_run_could_have() {
    let most = Usage { fuel: u64::MAX, fuel_exact: true, memory_bytes_peak: u64::MAX, bytes_read: u64::MAX };
    let said = [Event::Done(Done { outcome: Ok(Vec::new()), log_tail: Vec::new(), usage: most })];
    let told = run_by(&said, Room::Some).await.unwrap().usage;
    let fuel = Limits::DEFAULT.fuel(0);
    let held = Usage {
        fuel,
        fuel_exact: true,
        memory_bytes_peak: Limits::DEFAULT.memory_bytes,
        bytes_read: fuel * BYTES_PER_FUEL,
    };
    assert_eq!(told, held);
    let most = Most::new(&Limits::DEFAULT, 0);
    let so_far = SoFar { bytes_read: u64::MAX, fuel: u64::MAX, memory_bytes: u64::MAX };
    let SoFar { bytes_read, fuel, memory_bytes } = most.of_progress(so_far);
    assert_eq!((bytes_read, fuel, memory_bytes), (held.bytes_read, held.fuel, held.memory_bytes_peak));
}

#[tokio::test]
async fn a_small_piece_is_no_message() {
    let error = run_by(&[Event::Log(Vec::new()), done(Ok(Vec::new()), 0)], Room::Some).await.unwrap_err();
    assert_eq!(error.to_string(), "the worker sent an empty piece");
    for bytes in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES + 1] {
        let said = [Event::Stdout(vec![b' '; bytes]), done(Ok(Vec::new()), 0)];
        let error = run_by(&said, Room::Some).await.unwrap_err();
        assert_eq!(error.to_string(), "the worker sent a piece of its output that is not whole", "{bytes} bytes");
    }
    let said = [Event::Stdout(vec![b' '; CHUNK_BYTES]), done(Ok(b"{}".to_vec()), 0)];
    assert_eq!(run_by(&said, Room::Some).await.unwrap().outcome.unwrap().len(), CHUNK_BYTES + 2);
}

/// Files on their way count for all processes of a user: those of one worker must not keep others from theirs.
#[tokio::test]
async fn a_worker_that_asks_for_files_and_takes_none_has_few_on_their_way() {
    let nursery = Nursery::open().unwrap();
    let (process, theirs) = stand_in::start(&nursery, SLEEPS).await;
    for _ in 0..64 {
        wire::send(theirs.as_fd(), &Event::NeedFile, &[]).unwrap();
    }
    let mut worker = Worker { process, fit: FIT, lent: HashSet::new() };
    let mut listener = Counting(0);
    let running = worker.run(RunSpec::default(), nothing(), &mut listener);
    tokio::time::timeout(Duration::from_millis(300), running).await.expect_err("it waits for the worker");
    assert!((1..16).contains(&listener.0), "{} files", listener.0);
}

struct Counting(u32);

impl Attendant for Counting {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        self.0 += 1;
        Ok(nothing())
    }

    fn log(&mut self, _: &[u8]) {}

    fn progress(&mut self, _: SoFar) {}

    fn is_full(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn progress_is_told_no_oftener_than_there_is_time_for() {
    let said = |count: u64| {
        let progress = (0..count).map(|_| Event::Progress(SoFar::default()));
        progress.chain([done(Ok(Vec::new()), 0)]).collect::<Vec<_>>()
    };
    // A second has four.
    run_by(&said(4 + PROGRESS_MORE), Room::Some).await.unwrap();
    let error = run_by(&said(5 + PROGRESS_MORE), Room::Some).await.unwrap_err();
    assert_eq!(error.to_string(), "the worker sent more than its limits allow");
}
