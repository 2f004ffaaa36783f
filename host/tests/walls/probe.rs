//! A probe, what it expects, and the score of all.

use std::process::ExitCode;

use host::wire::Wall;

use crate::held::Ending;
use crate::held::Held;
use crate::held::Outcome;
use crate::scene::Scene;
use crate::script::Script;

/// What the last call of a script has to come to.
#[derive(Debug, Clone)]
pub(crate) enum Want {
    /// The process is killed by this signal in that call.
    Signal(i32),
    /// One of these errors.
    Errno(Vec<i32>),
    /// It is allowed, and harms nothing.
    Harmless,
    /// Every call is allowed or fails, and none harms anything.
    AnyHarmless,
}

/// One attempt to get out.
pub(crate) struct Probe {
    pub(crate) name: String,
    pub(crate) script: Script,
    /// Behind the whole wall.
    pub(crate) want: Want,
    /// Behind Landlock, rlimits and the loss of capabilities alone, with this script; `None` where they do not tell.
    pub(crate) alone: Option<(Script, Want)>,
}

impl Probe {
    /// One that the filter of calls ends.
    pub(crate) fn killed(name: impl Into<String>, script: Script) -> Self {
        Self::new(name, script, Want::Signal(libc::SIGSYS))
    }

    pub(crate) fn new(name: impl Into<String>, script: Script, want: Want) -> Self {
        Self { name: name.into(), script, want, alone: None }
    }

    /// And that ends in one of these errors where no call is filtered.
    pub(crate) fn or(self, errnos: &[i32]) -> Self {
        let script = self.script.clone();
        self.or_by(script, errnos)
    }

    /// The same, by way of other calls.
    pub(crate) fn or_by(mut self, script: Script, errnos: &[i32]) -> Self {
        self.alone = Some((script, Want::Errno(errnos.to_vec())));
        self
    }
}

/// How probes went.
pub(crate) struct Score {
    wanted: String,
    held: usize,
    left_out: usize,
    surprises: Vec<String>,
}

impl Score {
    /// Of those whose name contains `wanted`.
    pub(crate) fn new(wanted: String) -> Self {
        Self { wanted, held: 0, left_out: 0, surprises: Vec::new() }
    }

    pub(crate) fn wants(&mut self, name: &str) -> bool {
        let wants = name.contains(&self.wanted);
        self.left_out += usize::from(!wants);
        wants
    }

    /// Takes down one result.
    pub(crate) fn take(&mut self, name: &str, result: Result<String, String>) {
        match result {
            Ok(detail) => {
                println!("  held      {name}: {detail}");
                self.held += 1;
            }
            Err(detail) => {
                println!("  SURPRISE  {name}: {detail}");
                self.surprises.push(name.to_owned());
            }
        }
    }

    /// Makes an attempt behind the whole wall, and one behind Landlock alone.
    pub(crate) fn attempt(&mut self, scene: &Scene, probe: &Probe) {
        if !self.wants(&probe.name) {
            return;
        }
        self.take(&probe.name, attempt(scene, (&probe.script, &probe.want), None));
        if let Some((script, want)) = &probe.alone {
            self.take(&format!("{} (no filter)", probe.name), attempt(scene, (script, want), Some("calls")));
        }
    }

    pub(crate) fn finish(self) -> ExitCode {
        if self.left_out > 0 {
            println!("walls: skipped {}, whose names do not contain `{}`", self.left_out, self.wanted);
        }
        println!("walls: {} held, {} surprises {:?}", self.held, self.surprises.len(), self.surprises);
        if self.surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn attempt(scene: &Scene, (script, want): (&Script, &Want), without: Option<&str>) -> Result<String, String> {
    let held = Held::start(without).map_err(|it| format!("it did not come up: {it:?}"))?;
    if without.is_some() && held.walls.landlock == Wall::Missing {
        return Ok("skipped, this kernel has no Landlock".to_owned());
    }
    let program = scene.program(&script.wat());
    let outcome = held.run(&program, scene);
    let judged = judge(script, want, &outcome);
    match scene.harm(&program) {
        None => judged,
        Some(harm) => Err(format!("{harm}; {judged:?}")),
    }
}

fn judge(script: &Script, want: &Want, outcome: &Outcome) -> Result<String, String> {
    let (answers, last) = (outcome.answers(), script.calls() - 1);
    let failed = answers.iter().take(last).any(|it| *it < 0);
    match (want, &outcome.ending) {
        (Want::AnyHarmless, Ending::Ran(Ok(_))) if answers.len() == script.calls() => {
            Ok(format!("{} of {} allowed", answers.iter().filter(|it| **it >= 0).count(), answers.len()))
        }
        (Want::Signal(wanted), Ending::Signal(signal)) if wanted == signal && answers.len() == last && !failed => {
            Ok(format!("killed by signal {signal}"))
        }
        (Want::Errno(errnos), Ending::Ran(Ok(_))) if answers.len() == script.calls() => {
            let answer = answers[last];
            let refused = errnos.iter().any(|it| answer == -i64::from(*it));
            if refused { Ok(format!("error {}", -answer)) } else { Err(format!("the call gave {answer}")) }
        }
        (Want::Harmless, Ending::Ran(Ok(_))) if answers.len() == script.calls() && !failed && answers[last] >= 0 => {
            Ok("allowed and harmless".to_owned())
        }
        (Want::Signal(_) | Want::Errno(_) | Want::Harmless | Want::AnyHarmless, ending) => {
            Err(format!("wanted {want:?}, found {ending:?} after {answers:?}"))
        }
    }
}
