//! Whether every entry in the list of calls is needed: each is taken away in turn, and something has to break.

use host::confine::Role;
use host::confine::calls::ALLOWED;
use host::confine::calls::Call;
use host::confine::calls::Need;

use crate::held::Ending;
use crate::held::Held;
use crate::probe::Score;
use crate::scene::Scene;

/// Most entries that the list may have; a new one wants a good reason.
const ALLOWED_MAX: usize = 30;

pub(crate) fn run(score: &mut Score) {
    println!("needed: {} calls are allowed", ALLOWED.len());
    let scene = Scene::new();
    if score.wants("the list is short") {
        let count = ALLOWED.len();
        let short = count <= ALLOWED_MAX;
        score.take("the list is short", if short { Ok(count.to_string()) } else { Err(count.to_string()) });
        let whole = lives().iter().find_map(|life| broken(&scene, life, None)).or_else(|| not_compiled(&scene, None));
        score.take("with the whole list nothing breaks", whole.map_or(Ok(String::new()), Err));
    }
    for role in [Role::Worker, Role::Compiler] {
        for call in ALLOWED.iter().filter(|it| it.is_for(role)) {
            let name = format!("{role:?} needs call {}", call.number);
            if score.wants(&name) {
                score.take(&name, needed(&scene, call, role));
            }
        }
    }
}

fn needed(scene: &Scene, call: &Call, role: Role) -> Result<String, String> {
    let why = match call.needed {
        Need::Always(why) => why,
        Need::Seldom(why) => return Ok(format!("by reason alone: {why}")),
    };
    let number = call.number.to_string();
    let how = match role {
        Role::Worker => lives().iter().find_map(|life| broken(scene, life, Some(&number))),
        Role::Compiler => not_compiled(scene, Some(&number)),
    };
    match how {
        Some(how) => Ok(format!("{why} ({how})")),
        None => Err(format!("nothing breaks without it: {why}")),
    }
}

/// A guest that does what guests do, and how its worker has to end.
struct Life {
    name: &'static str,
    wat: String,
    ending: i32,
}

fn lives() -> [Life; 3] {
    let life = |name, ending, start: &str| Life {
        name,
        ending,
        wat: format!("(module {IMPORTS} (func (export \"_start\") {start}))"),
    };
    [
        life("busy", 0, BUSY),
        life("trap", 0, "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 60000))))"),
        life("panic", 101, "(call $panic)"),
    ]
}

/// How a life breaks in a worker without that call; `None` when it goes as it should.
fn broken(scene: &Scene, life: &Life, without: Option<&str>) -> Option<String> {
    let program = scene.program(&life.wat);
    let mut held = match Held::start(without) {
        Ok(held) => held,
        Err(outcome) => return Some(format!("does not come up: {:?}", outcome.ending)),
    };
    let mut ran = 0;
    if held.load(&program).is_some() {
        // Twice, for what is used is made fresh in between.
        while ran < 2 && held.once(scene, stop_and_continue).is_some() {
            ran += 1;
        }
    }
    let outcome = held.bury();
    match outcome.ending {
        Ending::Exited(code)
            if code == life.ending && (ran == 2 || code != 0) && !outcome.stderr.starts_with(b"Error") =>
        {
            None
        }
        ending @ (Ending::Ran(_) | Ending::Signal(_) | Ending::Exited(_)) => {
            Some(format!("{}: {ending:?} after {ran} runs", life.name))
        }
    }
}

/// How compiling breaks without that call.
fn not_compiled(scene: &Scene, without: Option<&str>) -> Option<String> {
    let function = "(func (result i32) (i32.add (i32.const 1) (i32.const 2)))";
    let wat = format!("(module {} (memory (export \"memory\") 1) (func (export \"_start\")))", function.repeat(3000));
    let module = scene.module(&wat);
    let mut held = match Held::start_as("compile", without) {
        Ok(held) => held,
        Err(outcome) => return Some(format!("does not come up: {:?}", outcome.ending)),
    };
    held.compile(&module, &scene.new_artifact());
    match held.bury().ending {
        Ending::Exited(0) => None,
        ending @ (Ending::Ran(_) | Ending::Signal(_) | Ending::Exited(_)) => Some(format!("compile: {ending:?}")),
    }
}

/// Stops a process that sleeps, and continues it, so that the kernel takes its sleep up again.
fn stop_and_continue(pid: u32) {
    use rustix::process::Signal;
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let wait = |state: &str| {
        for _ in 0..2000 {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            if stat.rsplit_once(") ").is_some_and(|it| it.1.starts_with(state) || it.1.starts_with('Z')) {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    };
    wait("S");
    rustix::process::kill_process(process, Signal::STOP).unwrap();
    wait("T");
    rustix::process::kill_process(process, Signal::CONT).unwrap();
}

const IMPORTS: &str = r#"
    (import "back_door" "panic" (func $panic))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 32 512)
    (data (i32.const 0) "sample")
    (data (i32.const 16) "artifact")
    (data (i32.const 32) "\00\00\01\00\00\00\04\00")
    (data (i32.const 40) "\00\00\00\00\05\00\00\00")
    ;; A subscription to the monotonic clock, for 100 ms.
    (data (i32.const 136) "\01\00\00\00\00\00\00\00\00\e1\f5\05\00\00\00\00")
"#;

/// Reads its sample, writes an artifact and cuts it, prints at length, grows, draws, logs and sleeps.
const BUSY: &str = r#"
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 0)
      (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 64)))
    (drop (call $read (i32.load (i32.const 64)) (i32.const 32) (i32.const 1) (i32.const 72)))
    (drop (call $open (i32.const 4) (i32.const 0) (i32.const 16) (i32.const 8) (i32.const 1)
      (i64.const 4194370) (i64.const 4194370) (i32.const 0) (i32.const 64)))
    (drop (call $write (i32.load (i32.const 64)) (i32.const 40) (i32.const 1) (i32.const 72)))
    (drop (call $resize (i32.load (i32.const 64)) (i64.const 2)))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 72)))
    (i32.store (i32.const 36) (i32.const 0x180000))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 72)))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 72)))
    (drop (memory.grow (i32.const 256)))
    (memory.fill (i32.const 0x200000) (i32.const 1) (i32.const 0xf00000))
    (drop (call $random (i32.const 80) (i32.const 8)))
    (drop (call $write (i32.const 2) (i32.const 40) (i32.const 1) (i32.const 72)))
    (drop (call $poll (i32.const 120) (i32.const 200) (i32.const 1) (i32.const 72)))
"#;
