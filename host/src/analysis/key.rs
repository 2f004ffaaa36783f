//! The name of a question: same file, analysis, module and args give the same `analysis_id`.

use sha1::Digest;

use crate::id::AnalysisId;
use crate::id::AnalysisName;
use crate::id::FileId;
use crate::id::ModuleDigest;

/// SHA-1 over four lines joined by `\n`: file id, analysis name as the client gave it, SHA-256 of the module, args in
/// the canonical form of RFC 8785 with defaults filled in.
#[must_use]
pub fn analysis_id(file_id: FileId, name: &AnalysisName, module: ModuleDigest, canonical_args: &str) -> AnalysisId {
    let question = format!("{file_id}\n{name}\n{module}\n{canonical_args}");
    AnalysisId::new(sha1::Sha1::digest(question.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf '%s\n%s\n%s\n%s' … | sha1sum`.
    #[test]
    fn the_test_vector_holds() {
        let id = analysis_id(
            "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap(),
            &"dummy".parse().unwrap(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse().unwrap(),
            r#"{"seconds":60}"#,
        );
        assert_eq!(id.to_string(), "1ce0e2f87df1ea62a3ece02419a344d3e434f61a");
    }
}
