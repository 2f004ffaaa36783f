//! The second wall with the limits of the first left out: no fuel, no limiter of memory, no quota of output. What stands
//! are the limits of the process, what the server takes from a worker, and the kill at the deadline; each run goes through
//! store, pool and dispatch, so that what the server says of it is seen as well.

use std::time::Duration;
use std::time::Instant;

use host::analysis::module::DESCRIPTOR_SECTION;
use host::analysis::module::with_sections;
use host::assembly;
use host::limits::Limits;
use host::run::Reason;
use host::selftest;
use host::selftest::suite::Outcome;
use serde_json::json;

use crate::door::LIMITS_LEFT_OUT;
use crate::held::CAPS;
use crate::probe::Score;

/// All that a guest does has an end by then.
const DEADLINE: Duration = Duration::from_secs(10);
/// What burying takes, three times over, on a machine that others use as well.
const SLACK: Duration = Duration::from_secs(20);

/// Something without end, which reason the server gives for it, and in what words.
struct Endless {
    name: &'static str,
    body: &'static str,
    reason: Reason,
    says: &'static [&'static str],
    deadline: Duration,
}

const ENDLESS: [Endless; 8] = [
    Endless {
        name: "takes and touches memory until it is refused, 16 MiB at a time",
        body: "(loop $again
            (local.set $n (memory.grow (i32.const 256)))
            (if (i32.ne (local.get $n) (i32.const -1)) (then
              (memory.fill (i32.shl (local.get $n) (i32.const 16)) (i32.const 1) (i32.const 0x1000000))
              (br $again))))
          (call $exit (i32.shr_u (memory.size) (i32.const 8)))",
        reason: Reason::MemoryLimit,
        // Past its own 64 MiB, within those and what a worker has for itself, 512 MiB.
        says: &["was refused more memory; then: exit code 3"],
        deadline: DEADLINE,
    },
    Endless {
        name: "writes one file",
        body: "(call $make (i32.const 0)) (loop $again (call $write (i32.const 6)) (br $again))",
        reason: Reason::HostInterrupted,
        says: &["killed over a file longer than it may write"],
        deadline: DEADLINE,
    },
    Endless {
        name: "extends a file by 8 TiB",
        body: "(call $make (i32.const 0)) (drop (call $resize (i32.const 6) (i64.const 0x80000000000))) unreachable",
        reason: Reason::HostInterrupted,
        says: &["killed over a file longer than it may write"],
        deadline: DEADLINE,
    },
    Endless {
        name: "makes files",
        body: "(loop $again
            (call $make (local.get $n))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $again))",
        reason: Reason::HostInterrupted,
        says: &["sent more than its limits allow"],
        deadline: DEADLINE,
    },
    Endless {
        name: "fills files, none of which is too long, nor are they too many",
        // A MiB each, of 64 KiB at a time; 24 of them are more than it may, and what is seen twice besides.
        body: "(loop $again
            (call $make (local.get $n))
            (local.set $m (i32.const 16))
            (loop $more
              (call $write (i32.add (i32.const 6) (local.get $n)))
              (br_if $more (local.tee $m (i32.sub (local.get $m) (i32.const 1)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 24))))
          (loop $idle (br $idle))",
        reason: Reason::OutputLimit,
        says: &["wrote more than `artifacts_bytes` allows"],
        deadline: DEADLINE,
    },
    Endless {
        name: "prints",
        body: "(loop $again (call $write (i32.const 1)) (br $again))",
        reason: Reason::MemoryLimit,
        says: &["memory allocation of", "failed"],
        deadline: DEADLINE,
    },
    Endless {
        name: "writes its log",
        body: "(loop $again (call $write (i32.const 2)) (br $again))",
        reason: Reason::HostInterrupted,
        says: &["sent more than its limits allow"],
        deadline: DEADLINE,
    },
    Endless {
        name: "loops",
        body: "(loop $again (br $again))",
        reason: Reason::Deadline,
        says: &[""],
        deadline: Duration::from_millis(500),
    },
];

pub(crate) fn run(score: &mut Score) {
    println!("limitless: without the limits of the first wall");
    let dir = tempfile::tempdir().unwrap();
    let options = assembly::Options {
        caps: Limits { random_bytes: LIMITS_LEFT_OUT, ..CAPS },
        ..assembly::Options::for_one(dir.path().join("data"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let assembly = assembly::assemble(options).await.unwrap();
        let sample = selftest::store_sample(&assembly).await.unwrap();
        for endless in ENDLESS {
            if score.wants(endless.name) {
                let started = Instant::now();
                let outcome = selftest::become_of(&assembly, &sample, endless.packed()).await;
                let judged = endless.judge(&outcome, started.elapsed());
                // One that was lent files can write no more when its run is over.
                let living = if endless.body.contains("$make") { workers() } else { Vec::new() };
                let judged = judged
                    .and_then(|told| if living.is_empty() { Ok(told) } else { Err(format!("{living:?}: {told}")) });
                score.take(endless.name, judged);
            }
        }
    });
}

/// The workers of this process that are not dead.
fn workers() -> Vec<String> {
    let own = std::process::id().to_string();
    let stats = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|it| std::fs::read_to_string(it.unwrap().path().join("stat")).ok());
    // After its name in brackets: state, parent.
    let living = |stat: &String| {
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        let mut words = rest.split(' ');
        !["Z", "X"].contains(&words.next().unwrap()) && words.next() == Some(&own)
    };
    stats.filter(living).collect()
}

impl Endless {
    fn judge(&self, outcome: &Outcome, took: Duration) -> Result<String, String> {
        let told = format!("{outcome:?} after {} ms", took.as_millis());
        let Outcome::Failed(failure) = outcome else { return Err(told) };
        let said = failure.reason == self.reason && self.says.iter().all(|it| failure.detail.contains(it));
        if said && took < self.deadline + SLACK { Ok(told) } else { Err(told) }
    }

    fn packed(&self) -> Vec<u8> {
        let module = wat::parse_str(self.wat()).unwrap();
        let wall_ms = u64::try_from(self.deadline.as_millis()).unwrap();
        let descriptor = json!({ "name": "endless", "stdout": "none", "limits": { "wall_ms": wall_ms, "artifacts_bytes": 4 << 20 } });
        with_sections(&module, &[(DESCRIPTOR_SECTION, descriptor.to_string().as_bytes())])
    }

    fn wat(&self) -> String {
        let body = self.body;
        format!(
            r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $check (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $write (param $fd i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 65536))
    (call $check (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $make (param $number i32)
    (i32.store (i32.const 16) (i32.add (i32.const 0x61616161) (i32.and (local.get $number) (i32.const 0xf))))
    (i32.store8 (i32.const 17) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $number) (i32.const 4)) (i32.const 0xf))))
    (i32.store8 (i32.const 18) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $number) (i32.const 8)) (i32.const 0xf))))
    (i32.store8 (i32.const 19) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $number) (i32.const 12)) (i32.const 0xf))))
    (call $check (call $open (i32.const 4) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 1)
      (i64.const 0x400040) (i64.const 64) (i32.const 0) (i32.const 24))))
  (func (export "_start") (local $n i32) (local $m i32) {body}))"#
        )
    }
}
