//! What matching a pattern costs at the worst, whatever it is matched against.
//!
//! An engine without backtracking is linear, but with the size of the pattern as its constant: where it cannot work states
//! out in advance it goes through all of them at every byte, and which of its ways it takes is its own affair. So that is
//! what counts.

use regex_automata::nfa::thompson;

/// Longest pattern, bytes: reading one costs more than in proportion.
const TEXT_BYTES_MAX: usize = 1 << 10;
/// What a pattern may take once it is compiled, bytes.
pub(super) const PATTERN_BYTES_MAX: usize = 64 << 10;
/// What the engine may keep of what it has worked out, bytes; for each pattern, direction and thread.
pub(super) const CACHE_BYTES_MAX: usize = 64 << 10;

/// The steps that a pattern takes at a byte, at most.
///
/// # Errors
/// When it is no pattern, or too large a one.
pub(super) fn steps(pattern: &str) -> Result<usize, String> {
    let wrong = |detail: String| format!("the pattern `{}`: {detail}", pattern.chars().take(100).collect::<String>());
    if pattern.len() > TEXT_BYTES_MAX {
        return Err(wrong(format!("more than {TEXT_BYTES_MAX} bytes")));
    }
    let translated =
        jsonschema_regex::to_rust_regex(pattern).map_err(|()| wrong("no pattern of ECMA-262".to_owned()))?;
    let mut compiler = thompson::Compiler::new();
    compiler.configure(thompson::Config::new().nfa_size_limit(Some(PATTERN_BYTES_MAX)));
    let compiled = compiler.build(&translated).map_err(|error| wrong(format!("make it shorter ({error})")))?;
    // What is nothing but alternatives is a list to the validator.
    Ok(compiled.states().len() + pattern.matches('|').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_counts_by_its_states_and_alternatives() {
        let of = |pattern: &str| steps(pattern).unwrap();
        assert!(of("^[0-9a-f]{64}$") >= 64 && of("^[0-9a-f]{64}$") < 100);
        assert!(of("x[ab]{16}a(?:[ab]*){300}zy$") > 300);
        assert!(of(&format!("^({}b)$", "a|".repeat(400))) >= 400);
        assert!(of("foo|bar") < 20 && of("") > 0);
    }

    #[test]
    fn what_is_no_pattern_or_too_large_is_refused() {
        for wrong in ["(a)\\1", "^(?=a)b", "(", "(?:[^a]|b){5000}", "\\pL{500}"] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
        assert!(steps(&"a".repeat(TEXT_BYTES_MAX)).is_ok());
        assert!(steps(&"a".repeat(TEXT_BYTES_MAX + 1)).unwrap_err().contains("more than"));
    }
}
