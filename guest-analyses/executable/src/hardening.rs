//! Defences that a program has or lacks.

use schemars::JsonSchema;
use serde::Serialize;

/// One defence.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// Its usual name: pie, nx, relro, stack-protector, …
    pub name: &'static str,
    pub state: State,
    /// What it does.
    meaning: &'static str,
}

/// Whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Yes,
    /// Not all of it.
    Partial,
    No,
}

impl From<bool> for State {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

const MEANINGS: [(&str, &str); 13] = [
    ("pie", "it can be loaded anywhere, so that an attacker does not know where its code is"),
    ("nx", "data and stack cannot be run as code"),
    ("relro", "tables of addresses are read-only once it is loaded; `partial` leaves those of functions writable"),
    ("stack-protector", "a buffer on the stack that runs over is noticed before the function returns"),
    ("fortify", "functions such as strcpy know how much room there is"),
    ("no-search-path", "it looks for libraries in no folder of its own choice"),
    ("stripped", "names of functions and variables are left out"),
    ("aslr", "it can be loaded anywhere, so that an attacker does not know where its code is"),
    ("high-entropy-aslr", "anywhere means all of the 64-bit address space"),
    ("control-flow-guard", "calls through pointers go to functions only"),
    ("seh", "handlers of exceptions are known beforehand"),
    ("signed", "it carries a signature; whether that is valid is not looked at"),
    ("no-encryption", "its code is not encrypted"),
];

/// That defence in that state.
pub fn check(name: &'static str, state: impl Into<State>) -> Check {
    let meaning = MEANINGS.iter().find(|it| it.0 == name).map_or("", |it| it.1);
    Check { name, state: state.into(), meaning }
}
