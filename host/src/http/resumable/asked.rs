//! What the header fields of the protocol say.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;

use super::super::body;
use super::super::error::Problem;
use super::super::upload::name;

/// Digests that a piece can be held to.
pub(super) const ALGORITHMS: &str = "sha1,sha256";
const PIECE: &str = "application/offset+octet-stream";
/// Longest `Upload-Metadata`, bytes; it is kept, and told again.
const METADATA_BYTES_MAX: usize = 4096;

/// An upload to be begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) length_bytes: u64,
    pub(super) filename: String,
    pub(super) metadata: String,
}

/// Bytes to be added.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) offset_bytes: u64,
    pub(super) checksum: Option<Checksum>,
    /// How many, where the client says so.
    pub(super) declared: Option<u64>,
}

/// What a piece must be.
#[derive(Debug)]
pub(super) enum Checksum {
    Sha1(sha1::Sha1, Vec<u8>),
    Sha256(sha2::Sha256, Vec<u8>),
}

impl Creation {
    pub(super) fn of_head(headers: &HeaderMap) -> Result<Self, Problem> {
        if headers.contains_key("upload-defer-length") {
            return Err(Problem::bad_request("`Upload-Defer-Length` is not understood here; say `Upload-Length`"));
        }
        let metadata = text(headers, "upload-metadata")?.unwrap_or_default();
        if metadata.len() > METADATA_BYTES_MAX {
            return Err(Problem::bad_request(format!("`Upload-Metadata` is at most {METADATA_BYTES_MAX} bytes long")));
        }
        Ok(Self {
            length_bytes: number(headers, "upload-length")?,
            filename: filename(metadata)?.unwrap_or_else(|| "upload".to_owned()),
            metadata: metadata.to_owned(),
        })
    }
}

impl Piece {
    pub(super) fn of_head(headers: &HeaderMap) -> Result<Self, Problem> {
        if !is_piece(headers) {
            return Err(Problem::not_accepted(format!("pieces of a file come as `{PIECE}`")));
        }
        Self::at(headers, number(headers, "upload-offset")?)
    }

    /// That of a creation, if it has one.
    pub(super) fn first(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        match is_piece(headers) {
            true => Self::at(headers, 0).map(Some),
            false if body::declared(headers).unwrap_or(0) == 0 => Ok(None),
            false => Err(Problem::not_accepted(format!("the first piece of a file comes as `{PIECE}`"))),
        }
    }

    fn at(headers: &HeaderMap, offset_bytes: u64) -> Result<Self, Problem> {
        let checksum = text(headers, "upload-checksum")?.map(Checksum::parse).transpose()?;
        Ok(Self { offset_bytes, checksum, declared: body::declared(headers) })
    }
}

impl Checksum {
    fn parse(field: &str) -> Result<Self, Problem> {
        let (algorithm, digest) = field.split_once(' ').unwrap_or((field, ""));
        let digest = STANDARD.decode(digest.trim());
        let (checksum, bytes) = match algorithm {
            "sha1" => (Self::Sha1(sha1::Sha1::new(), digest.clone().unwrap_or_default()), 20),
            "sha256" => (Self::Sha256(sha2::Sha256::new(), digest.clone().unwrap_or_default()), 32),
            _ => return Err(Problem::bad_request(format!("`Upload-Checksum` is one of {ALGORITHMS}"))),
        };
        match digest {
            Ok(digest) if digest.len() == bytes => Ok(checksum),
            Ok(_) | Err(_) => {
                Err(Problem::bad_request("`Upload-Checksum` is an algorithm, a space, and the digest in Base64"))
            }
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(digest, _) => digest.update(bytes),
            Self::Sha256(digest, _) => digest.update(bytes),
        }
    }

    /// Whether the bytes that it was given are those.
    pub(super) fn is_kept(&self) -> bool {
        match self {
            Self::Sha1(digest, expected) => digest.clone().finalize()[..] == *expected,
            Self::Sha256(digest, expected) => digest.clone().finalize()[..] == *expected,
        }
    }
}

fn is_piece(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(PIECE.as_bytes()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let value = headers.get(name).map(|it| it.to_str());
    value.transpose().map_err(|_| Problem::bad_request(format!("`{name}` is plain text")))
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64, Problem> {
    // `u64::from_str` takes a sign.
    let digits = text(headers, name)?.filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let number = digits.and_then(|it| it.parse().ok());
    number.ok_or_else(|| Problem::bad_request(format!("`{name}` must be there, a number of bytes")))
}

/// The value of `filename`; the whole field is looked at.
fn filename(metadata: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    for pair in metadata.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| {
            Problem::bad_request("`Upload-Metadata` is a list of keys, each with a space and its value in Base64")
        })?;
        if key == "filename" {
            let value: Cow<'_, str> = String::from_utf8_lossy(&value);
            found = Some(name::cut(&value)).filter(|it| !it.is_empty());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_creation_has_a_length_and_may_have_a_name() {
        let long = format!("x {}", "A".repeat(METADATA_BYTES_MAX));
        let creation = |fields: &[_]| Creation::of_head(&headers(fields)).ok();
        let named = |metadata| creation(&[("upload-length", "5"), ("upload-metadata", metadata)]);
        assert_eq!(creation(&[("upload-length", "5")]).unwrap().filename, "upload");
        assert_eq!(named("filetype dGV4dA==,filename YS50eHQ=,flag").unwrap().filename, "a.txt");
        assert_eq!(named("filename 4oKsLnR4dA==").unwrap().filename, "€.txt");
        assert_eq!(named("filename").unwrap().filename, "upload");
        assert!(named("filename a.txt").is_none(), "not Base64");
        assert!(named(&long).is_none(), "too long");
        for wrong in ["", "-1", "+1", "1.0", "x", "99999999999999999999999"] {
            assert!(creation(&[("upload-length", wrong)]).is_none(), "{wrong}");
        }
        assert!(creation(&[]).is_none() && creation(&[("upload-defer-length", "1")]).is_none());
    }

    #[test]
    fn a_piece_is_held_to_its_checksum() {
        let checksum = |field: &str| Checksum::parse(field).ok();
        for (field, kept) in [
            ("sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", true),
            ("sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", true),
            ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ] {
            let mut checksum = checksum(field).unwrap();
            [b"a", b"b", b"c"].iter().for_each(|it| checksum.update(*it));
            assert_eq!(checksum.is_kept(), kept, "{field}");
        }
        for wrong in ["", "sha1", "sha1 AAAA", "sha1 x", "md5 AAAA", "sha256 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="] {
            assert!(checksum(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_first_piece_may_come_with_the_creation() {
        let first = |fields: &[_]| Piece::first(&headers(fields)).map(|it| it.is_some()).ok();
        assert_eq!(first(&[("content-type", PIECE), ("content-length", "3")]), Some(true));
        assert_eq!(first(&[("content-length", "0")]), Some(false));
        assert_eq!(first(&[]), Some(false));
        assert_eq!(first(&[("content-type", "text/plain"), ("content-length", "3")]), None);
    }
}
