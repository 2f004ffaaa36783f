//! Digests of what is sent and served (RFC 9530).
//!
//! What a client says of the body that it sends is held against the bytes as they come, a form's boundaries included:
//! without a content coding that the server would undo, the content and the representation are the same.

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use sfv::DictSerializer;
use sfv::Dictionary;
use sfv::KeyRef;
use sfv::ListEntry;
use sfv::Parser;
use sfv::key_ref;
use sha2::Digest;

use super::error::Problem;
use crate::id::Sha256;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const SHA_256: &KeyRef = key_ref("sha-256");
const SHA_512: &KeyRef = key_ref("sha-512");

/// Puts `Repr-Digest` to the head of what has that SHA-256, where it is known.
pub(super) fn tell(headers: &mut HeaderMap, sha256: Option<&Sha256>) {
    headers.extend(sha256.and_then(of).map(|it| (REPR_DIGEST, it)));
}

fn of(sha256: &Sha256) -> Option<HeaderValue> {
    let mut fields = DictSerializer::new();
    fields.bare_item(SHA_256, sha256.bytes().as_slice());
    HeaderValue::try_from(fields.finish()?).ok()
}

/// What a body is to be, as its client says; algorithms that are not known here say nothing.
#[derive(Debug, Default)]
pub(super) struct Promise {
    sha256: Promised<sha2::Sha256>,
    sha512: Promised<sha2::Sha512>,
}

#[derive(Debug, Default)]
struct Promised<D> {
    /// While nothing is promised nothing is digested.
    digest: Option<D>,
    /// Each with the field that it stood in.
    expected: Vec<(HeaderName, Vec<u8>)>,
}

impl Promise {
    /// What the head says.
    ///
    /// # Errors
    /// A field that is none, or a digest that no bytes can have.
    pub(super) fn of_head(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut promise = Self::default();
        for field in [CONTENT_DIGEST, REPR_DIGEST] {
            let lines: Vec<_> = headers.get_all(&field).iter().map(HeaderValue::as_bytes).collect();
            let broken = |why: &str| Problem::bad_request(format!("`{field}`: {why}"));
            let digests: Dictionary =
                Parser::new(&lines.join(&b", "[..])).parse().map_err(|error| broken(&error.to_string()))?;
            promise.sha256.expect(&field, digests.get(SHA_256)).map_err(broken)?;
            promise.sha512.expect(&field, digests.get(SHA_512)).map_err(broken)?;
        }
        Ok(promise)
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    /// Whether all that was taken is what was promised.
    ///
    /// # Errors
    /// The field that says otherwise.
    pub(super) fn kept(self) -> Result<(), Problem> {
        let broken = self.sha256.broken().or(self.sha512.broken());
        broken.map_or(Ok(()), |field| {
            Err(Problem::bad_request(format!("the body is not what `{field}` says; nothing was stored")))
        })
    }
}

impl<D: Digest> Promised<D> {
    fn expect(&mut self, field: &HeaderName, entry: Option<&ListEntry>) -> Result<(), &'static str> {
        match entry {
            None => Ok(()),
            Some(ListEntry::Item(item)) => {
                let bytes = item.bare_item.as_byte_sequence();
                let bytes = bytes.filter(|bytes| bytes.len() == <D as Digest>::output_size());
                let bytes = bytes.ok_or("a digest is a byte sequence, as long as its algorithm has it")?;
                self.digest.get_or_insert_with(D::new);
                self.expected.push((field.clone(), bytes.to_owned()));
                Ok(())
            }
            Some(ListEntry::InnerList(_)) => Err("a digest is no list"),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    fn broken(self) -> Option<HeaderName> {
        let found = self.digest?.finalize();
        self.expected.into_iter().find(|(_, expected)| *expected != found[..]).map(|(field, _)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`.
    const SHA_256_ABC: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    const SHA_512_ABC: &str =
        "sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==:";

    fn promise(fields: &[(HeaderName, &str)]) -> Result<Promise, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        Promise::of_head(&headers)
    }

    fn keeps(fields: &[(HeaderName, &str)], bytes: &[u8]) -> bool {
        let mut promise = promise(fields).unwrap();
        bytes.chunks(2).for_each(|chunk| promise.update(chunk));
        promise.kept().is_ok()
    }

    #[test]
    fn a_body_is_held_to_every_digest_that_is_known() {
        for field in [CONTENT_DIGEST, REPR_DIGEST] {
            for value in [SHA_256_ABC, SHA_512_ABC] {
                assert!(keeps(&[(field.clone(), value)], b"abc"), "{field}: {value}");
                assert!(!keeps(&[(field.clone(), value)], b"abd"), "{field}: {value}");
            }
        }
        let both = format!("{SHA_512_ABC}, {SHA_256_ABC}");
        let half = SHA_256_ABC.replace("ung", "aaa");
        assert!(keeps(&[(REPR_DIGEST, &both), (CONTENT_DIGEST, SHA_256_ABC)], b"abc"));
        assert!(!keeps(&[(REPR_DIGEST, SHA_512_ABC), (REPR_DIGEST, &half)], b"abc"), "each line counts");
        assert!(!keeps(&[(REPR_DIGEST, SHA_256_ABC), (CONTENT_DIGEST, &half)], b"abc"), "each field counts");
    }

    #[test]
    fn what_is_not_known_says_nothing_and_what_is_broken_is_refused() {
        assert!(keeps(&[], b"abc"));
        assert!(keeps(&[(REPR_DIGEST, "md5=:AAAA:, crc32c=:AAAA:, x")], b"abc"));
        for broken in
            ["sha-256", "sha-256=1", "sha-256=\"x\"", "sha-256=:AAAA:", "sha-512=(:AAAA:)", "sha-256=:A", "=="]
        {
            assert!(promise(&[(CONTENT_DIGEST, broken)]).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_served_has_its_sha_256() {
        use sha2::Digest;
        let sha256 = Sha256::new(sha2::Sha256::digest(b"abc").into());
        assert_eq!(of(&sha256).unwrap(), SHA_256_ABC);
    }
}
