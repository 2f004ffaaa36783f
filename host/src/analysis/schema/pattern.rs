//! Patterns that are matched at one pace, whatever they are matched against.
//!
//! An engine without backtracking is linear, but with the size of the pattern as its constant, unless it has worked out
//! every state that the pattern can be in. So a pattern is taken only if those are few: then each byte is one step.

use regex_automata::dfa::StartKind;
use regex_automata::dfa::dense;
use regex_automata::nfa::thompson;

/// What a pattern may take once it is compiled, bytes.
pub(super) const PATTERN_BYTES_MAX: usize = 64 << 10;
/// What all states of a pattern, and the ways between them, may take, bytes.
pub(super) const AUTOMATON_BYTES_MAX: usize = 256 << 10;

/// The bytes that a pattern takes, compiled and with all its states.
///
/// # Errors
/// When they would be too many, or it needs more than states.
pub(super) fn automaton_bytes(pattern: &str) -> Result<usize, String> {
    let wrong = |detail: String| format!("the pattern `{}`: {detail}", pattern.chars().take(100).collect::<String>());
    let translated =
        jsonschema_regex::to_rust_regex(pattern).map_err(|()| wrong("no pattern of ECMA-262".to_owned()))?;
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .determinize_size_limit(Some(AUTOMATON_BYTES_MAX));
    let costly = |error: &dyn std::fmt::Display| {
        wrong(format!("it cannot be matched in one step a byte; make it shorter ({error})"))
    };
    let mut compiler = thompson::Compiler::new();
    compiler.configure(thompson::Config::new().nfa_size_limit(Some(PATTERN_BYTES_MAX)));
    let compiled = compiler.build(&translated).map_err(|error| costly(&error))?;
    let automaton =
        dense::Builder::new().configure(config).build_from_nfa(&compiled).map_err(|error| costly(&error))?;
    Ok(compiled.memory_usage() + automaton.memory_usage())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_few_states_or_is_refused() {
        for plain in [
            "^[0-9a-f]{64}$",
            "^(a+)+$",
            "^[a-z][a-z0-9_-]{0,63}$",
            "^\\d{4}-\\d{2}-\\d{2}T",
            "^[^/]+/[^/]+$",
            "^\\S+@\\S+\\.\\w+$",
            "^(0|[1-9][0-9]*)\\.[0-9]+$",
            "foo|bar",
            "^.{1,100}$",
            "^\\p{Lu}",
            "",
        ] {
            let bytes = automaton_bytes(plain);
            assert!(bytes.is_ok_and(|it| it > 0), "{plain}: {:?}", automaton_bytes(plain));
        }
        for costly in [
            "a[ab]{700}[^ab]",
            "[a][ab]{800}[cd]",
            "(?:[^a]|b){5000}",
            "(a)\\1",
            "^(?=a)b",
            "(",
            "a[ab]{16}c",
            "\\bword\\b",
        ] {
            assert!(automaton_bytes(costly).is_err(), "{costly}");
        }
    }
}
