//! The hostile suite, run on this very machine and kernel through the parts that a server is made of, HTTP aside.

pub mod header;
pub mod suite;

use std::io;
use std::time::Instant;

use serde::Serialize;

use self::suite::Case;
use self::suite::Outcome;
use self::suite::SAMPLE;
use crate::assembly::Assembly;
use crate::registry::Origin;
use crate::registry::workshop::InstallError;
use crate::store::uploads::UploadFacts;
use crate::time::Timestamp;
use crate::wire::Walls;
use crate::workbench;
use crate::workbench::Wish;

/// What one module came to.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub name: &'static str,
    pub tries: &'static str,
    pub expected: &'static str,
    pub got: &'static str,
    pub ms: u64,
    /// In what it differs from what is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
}

/// What all of them came to: `selftest.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Of this structure.
    pub format: u32,
    pub when: Timestamp,
    /// Of this program.
    pub version: &'static str,
    pub kernel: String,
    pub passed: usize,
    pub failed: usize,
    pub walls: Walls,
}

/// Runs those modules, one after the other, and tells of each.
///
/// # Errors
/// When the sample cannot be stored; whatever else goes wrong is told as what became of a module.
pub async fn run(
    assembly: &Assembly,
    cases: impl Iterator<Item = &'static Case>,
    mut tell: impl FnMut(&Line),
) -> io::Result<Verdict> {
    let upload = store_sample(assembly).await?;
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let started = Instant::now();
        let outcome = become_of(assembly, &upload, case.packed()).await;
        let differs = case.check(&outcome).err();
        *(if differs.is_none() { &mut passed } else { &mut failed }) += 1;
        tell(&Line {
            name: case.name,
            tries: case.tries,
            expected: case.expected.as_str(),
            got: outcome.as_str(),
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            differs,
        });
    }
    Ok(Verdict {
        format: 1,
        when: assembly.clock.now(),
        version: env!("CARGO_PKG_VERSION"),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        passed,
        failed,
        walls: assembly.walls,
    })
}

/// Stores what modules are given to analyse.
///
/// # Errors
/// Of the disk.
pub async fn store_sample(assembly: &Assembly) -> io::Result<UploadFacts> {
    let (name, bytes) = SAMPLE;
    workbench::store(assembly, name, bytes).await
}

/// Installs a module with its descriptor inside, and runs it once.
pub async fn become_of(assembly: &Assembly, upload: &UploadFacts, packed: Vec<u8>) -> Outcome {
    let analysis = match assembly.registry.install(packed.into(), Origin::Shipped).await {
        Ok(analysis) => analysis,
        Err(InstallError::Refused(reasons)) => return Outcome::Refused(reasons),
        Err(InstallError::Io(error)) => return Outcome::Lost(error.to_string()),
    };
    let key = match workbench::ask(assembly, &analysis, upload, Wish::default()).await {
        Ok(key) => key,
        Err(error) => return Outcome::Lost(error.to_string()),
    };
    match workbench::ended(assembly, key).await.map(|it| it.outcome.map(String::from_utf8)) {
        Ok(Ok(Ok(result))) => Outcome::Successful(result),
        Ok(Ok(Err(_))) => Outcome::Lost("its result is not UTF-8".to_owned()),
        Ok(Err(failure)) => Outcome::Failed(failure),
        Err(error) => Outcome::Lost(error.to_string()),
    }
}
