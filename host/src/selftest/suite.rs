//! The hostile modules that the binary carries, and what each must come to.

use crate::analysis::module::DESCRIPTOR_SECTION;
use crate::analysis::module::with_sections;
use crate::run::Failure;
use crate::run::Reason;

/// All of them, by name: every `tests/hostile/*.wat`, compiled when this was built.
pub const SUITE: &[Case] = &include!(concat!(env!("OUT_DIR"), "/hostile.rs"));

/// Those that can try what they try only with WASI 0.3: every `tests/hostile/wasi_03/*.wat`.
pub const SUITE_WASI_03: &[Case] = &include!(concat!(env!("OUT_DIR"), "/hostile_wasi_03.rs"));

/// What they are given to analyse: a name and bytes, which some of them know.
pub const SAMPLE: (&str, &[u8]) = ("sample.bin", b"sample");

/// One module, and what must become of it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// What it tries, and what stops it.
    pub tries: &'static str,
    pub expected: Expected,
    /// What it asks for; JSON.
    pub limits: &'static str,
    /// What the detail, the refusal or the result must contain.
    pub says: &'static str,
    pub module: &'static [u8],
}

/// How it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It goes on and prints a result: it looks itself whether it was told no.
    Successful,
    /// It is not installed.
    Refused,
    Failed(Reason),
}

impl Expected {
    /// As it stands in the head of a source.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Refused => "refused",
            Self::Failed(reason) => reason.as_str(),
        }
    }
}

/// What became of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With its result.
    Successful(String),
    /// For these reasons.
    Refused(Vec<String>),
    Failed(Failure),
    /// It ended in no way that a run can end.
    Lost(String),
}

impl Outcome {
    /// In a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Successful(_) => "successful",
            Self::Refused(_) => "refused",
            Self::Failed(failure) => failure.reason.as_str(),
            Self::Lost(_) => "lost",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Successful(text) | Self::Lost(text) => text.clone(),
            Self::Refused(reasons) => reasons.join("; "),
            Self::Failed(failure) => failure.detail.clone(),
        }
    }
}

impl Case {
    /// The descriptor to install it with.
    #[must_use]
    pub fn sidecar(&self) -> String {
        format!(r#"{{"name": "{}", "limits": {}}}"#, self.name, self.limits)
    }

    /// The module with that descriptor inside, as it is installed.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        with_sections(self.module, &[(DESCRIPTOR_SECTION, self.sidecar().as_bytes())])
    }

    /// Whether that is what must become of it.
    ///
    /// # Errors
    /// In what it differs, short and escaped: a guest may speak there.
    pub fn check(&self, outcome: &Outcome) -> Result<(), String> {
        let text = outcome.text();
        if outcome.as_str() == self.expected.as_str() && text.contains(self.says) {
            return Ok(());
        }
        Err(text.chars().take(200).collect::<String>().escape_debug().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::Header;
    use super::super::header::expand;
    use super::*;
    use crate::analysis::descriptor::Descriptor;

    #[test]
    fn every_module_can_be_described() {
        for case in SUITE.iter().chain(SUITE_WASI_03) {
            let descriptor: Descriptor = serde_json::from_str(&case.sidecar()).expect(case.name);
            assert_eq!(descriptor.name.as_str(), case.name);
        }
    }

    #[test]
    fn a_head_says_what_to_expect() {
        let parsed = Header::parse(";; Tries this.\n;; expect: trap\n;; says: a: b\n(module) ;; x").unwrap();
        assert_eq!((parsed.expect.as_str(), parsed.says.as_str(), parsed.limits.as_str()), ("trap", "a: b", "{}"));
        for bad in ["", "(module)", ";; Tries this.\n(module)", ";; Tries\n;; expect: trap", ";; A.\n;; expects: trap"]
        {
            assert!(Header::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_may_stand_for_many() {
        assert_eq!(expand("a\n  b ;; times 2\nc").unwrap(), "a\n  b \n  b \nc\n");
        assert!(expand("b ;; times two").is_err());
    }

    #[test]
    fn the_right_reason_for_another_cause_does_not_pass() {
        let case = Case {
            name: "a",
            tries: "",
            expected: Expected::Failed(Reason::Trap),
            limits: "{}",
            says: "divide",
            module: b"",
        };
        let failed = |reason, detail| case.check(&Outcome::Failed(Failure::new(reason, detail)));
        assert!(failed(Reason::Trap, "integer divide by zero").is_ok());
        assert_eq!(failed(Reason::Trap, "unreach\u{1b}able"), Err(r"unreach\u{1b}able".to_owned()));
        assert!(failed(Reason::Denied, "divide").is_err());
    }
}
