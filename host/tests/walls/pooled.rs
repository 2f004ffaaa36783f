//! The server's own side of a worker that was broken into: what it closes, what it says.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU32;

use host::analysis::module::ModuleKind;
use host::id::ClientId;
use host::id::ModuleDigest;
use host::limits::Limits;
use host::pool::nursery::Nursery;
use host::pool::worker::Attendant;
use host::pool::worker::Cargo;
use host::pool::worker::Fit;
use host::pool::worker::Terms;
use host::pool::worker::Worker;
use host::run::SoFar;
use host::wire::LoadSpec;
use host::wire::Wall;
use host::wire::Walls;

use crate::held::CAPS;
use crate::held::Held;
use crate::held::spec;
use crate::probe::Score;
use crate::scene::Scene;
use crate::script::Arg;
use crate::script::Script;

pub(crate) fn run(score: &mut Score) {
    println!("pooled: the server's side");
    let scene = Scene::new();
    let name = "a worker killed by the filter is named with its reason";
    if score.wants(name) {
        let said = attempt(&scene, &Script::once(libc::SYS_getpid, []));
        let named = said.contains("killed by the seccomp filter") && said.contains("signal: 31");
        score.take(name, if named { Ok(said) } else { Err(said) });
    }
    // The sample among them; more than a message may carry; its own channel, which must not keep itself alive.
    for descriptors in [&[0, 1, 2, 3, 4, 5, 6][..], &[5, 6], &[6], &[3], &[0, 3]] {
        let name = format!("sendmsg with SCM_RIGHTS of {descriptors:?}");
        if score.wants(&name) {
            let said = attempt(&scene, &sendmsg(&scene.path("listener"), descriptors));
            let kept = held_here(&scene.path(""));
            let good = kept.is_empty() && said.contains("killed by the seccomp filter");
            score
                .take(&name, if good { Ok(format!("nothing kept; {said}")) } else { Err(format!("{kept:?}; {said}")) });
        }
    }
}

/// What the server would log of a run of that script.
fn attempt(scene: &Scene, script: &Script) -> String {
    let program = scene.program(&script.wat()).into();
    let cargo = Cargo { spec: LoadSpec { kind: ModuleKind::Command, files: None }, program, module: None };
    let fit =
        Fit { module: ModuleDigest::new([0; 32]), stack_bytes: Limits::DEFAULT.stack_bytes, client: ClientId::Server };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let nursery = Nursery::open().unwrap();
        let walls = Walls { proc: Wall::Enforced, ..Held::walls() };
        let terms = Terms { caps: CAPS, walls };
        let mut worker = Worker::start(&nursery, &terms, (fit, cargo), &AtomicU32::new(0)).await.unwrap();
        let sample = File::open(scene.sample()).unwrap().into();
        match worker.run(spec(), sample, &mut Nobody).await {
            Ok(done) => format!("{done:?}"),
            Err(error) => format!("{error}: {}", worker.last_words().await),
        }
    })
}

/// Which files below a directory this process holds open.
fn held_here(below: &str) -> Vec<std::path::PathBuf> {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
    open.filter(|it| it.starts_with(below)).collect()
}

struct Nobody;

impl Attendant for Nobody {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn log(&mut self, _: &[u8]) {}

    fn progress(&mut self, _: SoFar) {}

    fn is_full(&self) -> bool {
        false
    }
}

/// A message with descriptors, to a name, which a channel takes no notice of.
fn sendmsg(to: &str, descriptors: &[i32]) -> Script {
    let bytes = |it: &[i32]| it.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let length = 16 + 4 * descriptors.len();
    let header = [u64::try_from(length).unwrap().to_le_bytes().to_vec(), bytes(&[1, 1]), bytes(descriptors)].concat();
    let name = [&[1, 0], to.as_bytes(), &[0]].concat();
    let name_bytes = i64::try_from(name.len()).unwrap();
    let words = vec![
        Arg::Bytes(name),
        name_bytes.into(),
        Arg::Words(vec!["nonsense".into(), 8.into()]),
        1.into(),
        Arg::Bytes(header),
        Arg::Number(i64::try_from(length).unwrap()),
        0.into(),
    ];
    Script::once(libc::SYS_sendmsg, [0.into(), Arg::Words(words), 0.into()])
}
