//! Which analysis is meant: `name`, `name@1.2.0` or `name@sha256:…`.

use std::fmt;
use std::str::FromStr;

use crate::id::AnalysisName;
use crate::id::ModuleDigest;

/// A name, and which of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub name: AnalysisName,
    /// The current one if it is not said.
    pub version: Option<Wanted>,
}

/// A version, as one may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// As its descriptor has it.
    Version(String),
    Module(ModuleDigest),
}

/// What is no selector.
#[derive(Debug, thiserror::Error)]
#[error("an analysis is asked for as `name`, `name@VERSION` or `name@sha256:DIGEST`")]
pub struct InvalidSelector;

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        let name = name.parse().map_err(|_| InvalidSelector)?;
        Ok(Self { name, version: version.map(str::parse).transpose()? })
    }
}

impl FromStr for Wanted {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        match text.strip_prefix("sha256:") {
            Some(digest) => digest.parse().map(Self::Module).map_err(|_| InvalidSelector),
            None if text.is_empty() => Err(InvalidSelector),
            None => Ok(Self::Version(text.to_owned())),
        }
    }
}

impl Wanted {
    /// Whether that module, whose descriptor has that version, is meant.
    #[must_use]
    pub fn means(&self, module: ModuleDigest, version: &str) -> bool {
        match self {
            Self::Version(wanted) => wanted == version,
            Self::Module(wanted) => *wanted == module,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => f.write_str(version),
            Self::Module(module) => write!(f, "sha256:{module}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_or_its_module() {
        let digest = "0f".repeat(32);
        let selector =
            |text: &str| text.parse::<Selector>().map(|it| (it.name.to_string(), it.version.map(|it| it.to_string())));
        assert_eq!(selector("a_1").unwrap(), ("a_1".to_owned(), None));
        assert_eq!(selector("a@1.2.0").unwrap(), ("a".to_owned(), Some("1.2.0".to_owned())));
        assert_eq!(selector(&format!("a@sha256:{digest}")).unwrap().1, Some(format!("sha256:{digest}")));
        for wrong in ["", "@1", "a@", "A@1", "a@sha256:", "a@sha256:0f"] {
            assert!(selector(wrong).is_err(), "{wrong}");
        }
    }
}
