//! `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:DIGEST]`: what is pulled, and from where.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::id::Sha256;

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// With the port, if one is said.
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// What is no reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a module in a registry is `oci://HOST[:PORT]/REPOSITORY[:TAG]`, or with `@sha256:DIGEST` behind")]
pub struct InvalidReference;

impl Reference {
    /// What the manifest is asked for by: the digest if there is one, for a tag may move.
    pub(super) fn version(&self) -> String {
        self.digest.clone().or_else(|| self.tag.clone()).unwrap_or_else(|| "latest".to_owned())
    }

    pub(super) fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    pub(super) fn path(&self, of: &str, version: &str) -> String {
        format!("/v2/{}/{of}/{version}", self.repository)
    }

    pub(super) fn url(&self, path: &str) -> String {
        let scheme = if self.is_plain() { "http" } else { "https" };
        format!("{scheme}://{}{path}", self.host)
    }

    /// A registry on this machine speaks HTTP, as it does to other clients.
    pub(super) fn is_plain(&self) -> bool {
        let name = match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (host, rest) = text.strip_prefix("oci://").and_then(|it| it.split_once('/')).ok_or(InvalidReference)?;
        let (rest, digest) = rest.split_once('@').map_or((rest, None), |(rest, digest)| (rest, Some(digest)));
        let (repository, tag) = rest.split_once(':').map_or((rest, None), |(rest, tag)| (rest, Some(tag)));
        let host_sound =
            !host.is_empty() && host.bytes().all(|it| it.is_ascii_alphanumeric() || b".:-[]".contains(&it));
        // The distribution specification, "Pulling manifests".
        let part = |it: &str| {
            let sound = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"._-".contains(&it);
            it.bytes().all(sound) && it.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric())
        };
        let tag_sound = tag.is_none_or(|it| {
            let sound = |it: u8| it.is_ascii_alphanumeric() || b"._-".contains(&it);
            (1..=128).contains(&it.len()) && it.bytes().all(sound) && !it.starts_with(['.', '-'])
        });
        let digest_sound =
            digest.is_none_or(|it| it.strip_prefix("sha256:").is_some_and(|it| it.parse::<Sha256>().is_ok()));
        if !host_sound || !repository.split('/').all(part) || !tag_sound || !digest_sound {
            return Err(InvalidReference);
        }
        let owned = |it: Option<&str>| it.map(str::to_owned);
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), tag: owned(tag), digest: owned(digest) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let with_digest = format!("oci://registry.example/tools/strings@{digest}");
        let both = format!("oci://127.0.0.1:5000/strings:1.0.0@{digest}");
        for (text, url) in [
            (
                "oci://registry.example/tools/strings:1.0.0",
                "https://registry.example/v2/tools/strings/manifests/1.0.0".to_owned(),
            ),
            ("oci://localhost:5000/strings", "http://localhost:5000/v2/strings/manifests/latest".to_owned()),
            ("oci://[::1]:5000/strings", "http://[::1]:5000/v2/strings/manifests/latest".to_owned()),
            (&with_digest, format!("https://registry.example/v2/tools/strings/manifests/{digest}")),
            (&both, format!("http://127.0.0.1:5000/v2/strings/manifests/{digest}")),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.url(&reference.path("manifests", &reference.version())), url);
        }
    }

    #[test]
    fn what_would_lead_elsewhere_is_no_reference() {
        for text in [
            "registry.example/strings",
            "oci://registry.example",
            "oci:///strings",
            "oci://registry.example/",
            "oci://registry.example/../x",
            "oci://registry.example/a//b",
            "oci://registry.example/A",
            "oci://user@registry.example/a",
            "oci://registry.example/a?b",
            "oci://registry.example/a:",
            "oci://registry.example/a:b/c",
            "oci://registry.example/a@sha256:12",
            "oci://registry.example/a@md5:12",
        ] {
            assert_eq!(text.parse::<Reference>(), Err(InvalidReference), "{text}");
        }
    }
}
