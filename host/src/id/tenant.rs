//! Whose things are: tenants, and whoever takes turns with others.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::InvalidId;
use super::through_text;

/// Who shares nothing with others: each has uploads, results and a directory of its own. 1 to 32 of `a-z 0-9 -`, the first
/// a letter or digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant([u8; Tenant::BYTES_MAX]);

impl Tenant {
    /// Longest name, bytes.
    pub const BYTES_MAX: usize = 32;
    /// Whose everything is where there are no keys: the data directory itself.
    pub const MAIN: Self = {
        let mut name = [0; Self::BYTES_MAX];
        [name[0], name[1], name[2], name[3]] = *b"main";
        Self(name)
    };

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|it| *it == 0).unwrap_or(Self::BYTES_MAX);
        // It was made of a text that is ASCII.
        std::str::from_utf8(&self.0[..len]).unwrap_or_default()
    }
}

impl FromStr for Tenant {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
        let sound = !text.starts_with('-') && (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(inner);
        if !sound {
            return Err(InvalidId("a tenant is named by 1 to 32 of a-z, 0-9 and `-`, the first no `-`"));
        }
        let mut name = [0; Self::BYTES_MAX];
        name[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self(name))
    }
}

through_text!(Tenant);

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.as_str())
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose runs they are, for taking turns: a tenant where there are keys, else an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientId {
    /// This server itself: what a command of the operator asks, and what a former one left without saying whose.
    #[default]
    Server,
    /// One IPv4 address, or the 64 bits of an IPv6 address that tell networks apart (RFC 4291, section 2.5.4).
    Network(u64),
    Tenant(Tenant),
}

impl From<IpAddr> for ClientId {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Network(address.to_bits().into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::Network(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_a_name_that_leads_nowhere() {
        for name in ["main", "a", "7-of-9", &"x".repeat(32)] {
            assert_eq!(name.parse::<Tenant>().unwrap().to_string(), name);
        }
        assert_eq!("main".parse(), Ok(Tenant::MAIN));
        for name in ["", "-a", "A", "a.b", "..", "a/b", "\u{e9}", &"x".repeat(33)] {
            assert!(name.parse::<Tenant>().is_err(), "{name}");
        }
    }
}
