//! Why an analysis has no result.

/// The reason, as a sentence that the person who uploaded the file can act on.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// With that sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// So that `?` works on every error. The price is that a `Failure` is no error itself.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_its_own_sentence() {
        let parsed: Result<u8, Failure> = "x".parse::<u8>().map_err(Failure::from);
        assert_eq!(parsed.unwrap_err().message(), "invalid digit found in string");
        assert_eq!(Failure::new("no rows").message(), "no rows");
    }
}
