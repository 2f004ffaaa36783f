//! Who vouches for a module: Ed25519 signatures in the format of minisign, and the keys that an operator trusts.
//!
//! A signature lies beside the module (`minisign -S` writes `x.wasm.minisig`), or is its last section and then of all that
//! is before. Only signatures of the prehashed kind count, which minisign makes since version 0.10.

use minisign_verify::Error;
use minisign_verify::PublicKey;
use minisign_verify::Signature;

use super::module::split_signature;

/// The keys that are trusted, each with a name for people.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(Vec<(String, PublicKey)>);

/// A line of a list of keys that is none.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: `{text}` is no minisign public key")]
pub struct InvalidKey {
    pub line: usize,
    pub text: String,
}

/// Why a signature is worse than none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("its signature is none that minisign makes")]
    Unreadable,
    #[error("its signature is said to be by `{0}`, but is of other bytes, or forged")]
    Forged(String),
}

const COMMENT: &str = "untrusted comment:";

impl TrustedKeys {
    /// Reads a list of keys: `*.pub` files of minisign one after the other, or a key a line, with a name behind it. A comment
    /// of minisign's names the key that follows; lines that begin with `#` are left out.
    ///
    /// # Errors
    /// The first line that is no key.
    pub fn read(text: &str) -> Result<Self, InvalidKey> {
        let mut keys = Vec::new();
        let mut comment = None;
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if let Some(name) = line.strip_prefix(COMMENT) {
                comment = Some(name.trim());
            } else if !line.is_empty() && !line.starts_with('#') {
                let (key, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                let invalid = |_| InvalidKey { line: number + 1, text: line.to_owned() };
                let public = PublicKey::from_base64(key).map_err(invalid)?;
                let name = Some(name.trim()).filter(|it| !it.is_empty()).or(comment.take()).unwrap_or(key);
                keys.push((name.to_owned(), public));
            }
        }
        Ok(Self(keys))
    }

    /// Whose key a module is signed with, by the signature that came with it or else by its last section; nobody's where it
    /// is unsigned, or signed with a key that is not on the list.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn signer(&self, module: &[u8], detached: Option<&[u8]>) -> Result<Option<String>, BadSignature> {
        let (signed, signature) = match detached {
            Some(signature) => (module, Some(signature)),
            None => split_signature(module),
        };
        let Some(signature) = signature else { return Ok(None) };
        let signature = std::str::from_utf8(signature).map_err(|_| BadSignature::Unreadable)?;
        let signature = Signature::decode(signature).map_err(|_| BadSignature::Unreadable)?;
        for (name, key) in &self.0 {
            match key.verify(signed, &signature, false) {
                Ok(()) => return Ok(Some(name.clone())),
                Err(Error::UnexpectedKeyId) => (),
                Err(Error::UnsupportedLegacyMode | Error::UnexpectedAlgorithm | Error::UnsupportedAlgorithm) => {
                    return Err(BadSignature::Unreadable);
                }
                Err(_) => return Err(BadSignature::Forged(name.clone())),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::module::SIGNATURE_SECTION;
    use super::super::module::with_sections;
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn pair() -> minisign::KeyPair {
        minisign::KeyPair::generate_unencrypted_keypair().unwrap()
    }

    fn sign(pair: &minisign::KeyPair, bytes: &[u8]) -> String {
        minisign::sign(None, &pair.sk, Cursor::new(bytes), None, None).unwrap().into_string()
    }

    fn keys(pair: &minisign::KeyPair, name: &str) -> TrustedKeys {
        TrustedKeys::read(&format!("# ours\n\n{} {name}\n", pair.pk.to_base64())).unwrap()
    }

    #[test]
    fn a_signature_beside_or_inside_names_its_key() {
        let (pair, other) = (pair(), pair());
        let keys = keys(&pair, "Ann of the lab");
        let ann = Ok(Some("Ann of the lab".to_owned()));
        let signature = sign(&pair, MODULE);
        assert_eq!(keys.signer(MODULE, Some(signature.as_bytes())), ann);
        let inside = with_sections(MODULE, &[(SIGNATURE_SECTION, signature.as_bytes())]);
        assert_eq!(keys.signer(&inside, None), ann);
        assert_eq!(keys.signer(MODULE, None), Ok(None));
        assert_eq!(keys.signer(MODULE, Some(sign(&other, MODULE).as_bytes())), Ok(None), "a key of nobody we know");
    }

    #[test]
    fn a_signature_of_other_bytes_is_worse_than_none() {
        let pair = pair();
        let keys = keys(&pair, "ann");
        let signature = sign(&pair, MODULE);
        let more = with_sections(MODULE, &[("a", b"b")]);
        assert_eq!(keys.signer(&more, Some(signature.as_bytes())), Err(BadSignature::Forged("ann".to_owned())));
        let inside = with_sections(&more, &[(SIGNATURE_SECTION, signature.as_bytes())]);
        assert_eq!(keys.signer(&inside, None), Err(BadSignature::Forged("ann".to_owned())));
        for odd in [&b""[..], b"\xff", b"untrusted comment: a\nRWQ\n"] {
            assert_eq!(keys.signer(MODULE, Some(odd)), Err(BadSignature::Unreadable));
        }
    }

    #[test]
    fn a_list_is_made_of_what_minisign_writes() {
        let (pair, other) = (pair(), pair());
        let text = format!("{}\n{}", pair.pk.to_box().unwrap().into_string(), other.pk.to_base64());
        let keys = TrustedKeys::read(&text).unwrap();
        let signer = |of: &minisign::KeyPair| keys.signer(MODULE, Some(sign(of, MODULE).as_bytes())).unwrap().unwrap();
        assert!(signer(&pair).starts_with("minisign public key"), "{}", signer(&pair));
        assert_eq!(signer(&other), other.pk.to_base64());
        assert_eq!(TrustedKeys::read("\n# a\nnonsense key\n").unwrap_err().line, 3);
    }
}
