//! `analyses/names/<name>`: which module a name that a client gave stands for, and which ones it stood for before;
//! `analyses/own/<name>`: the same of the operator's names, which are not believed but installed anew at every start;
//! `analyses/held/<name>`: a client's module in quarantine that would have that name. The modules themselves lie beside, by
//! digest.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::Store;
use super::disk;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::time::Timestamp;

/// What is kept of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub origin: Origin,
    /// One of the versions.
    pub current: ModuleDigest,
    /// Newest first.
    pub versions: Vec<Version>,
}

/// Where an analysis came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// With this server.
    Shipped,
    /// From the operator's directory.
    Directory,
    /// From a client.
    Client,
}

/// Whose names they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Clients,
    Operator,
    /// Nobody's yet: of modules in quarantine.
    Quarantine,
}

impl Owner {
    pub(super) const ALL: [Self; 3] = [Self::Clients, Self::Operator, Self::Quarantine];
}

impl Origin {
    /// Whose it is.
    #[must_use]
    pub fn owner(self) -> Owner {
        match self {
            Self::Client => Owner::Clients,
            Self::Shipped | Self::Directory => Owner::Operator,
        }
    }
}

/// A module that a name stands or stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub module: ModuleDigest,
    /// As its descriptor has it.
    pub version: String,
    /// Since when.
    pub since: Timestamp,
}

impl Named {
    /// Out of the bytes of its file.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().or_else(|| Self::former(bytes))
    }

    /// Former versions wrote the digest alone, and of clients' analyses alone.
    fn former(bytes: &[u8]) -> Option<Self> {
        let current = std::str::from_utf8(bytes).ok()?.trim().parse().ok()?;
        let versions = vec![Version { module: current, version: String::new(), since: Timestamp::from_unix_ms(0) }];
        Some(Self { origin: Origin::Client, current, versions })
    }
}

impl Store {
    /// Every name of that owner; what does not read as one was not written here and is left alone.
    ///
    /// # Errors
    /// Of the disk.
    pub fn names(&self, owner: Owner) -> io::Result<Vec<(AnalysisName, Named)>> {
        let mut names: Vec<(AnalysisName, Named)> = Vec::new();
        for entry in fs::read_dir(self.names_dir(owner))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|it| it.to_str()?.parse().ok());
            let named = disk::read_if_there(&path)?.and_then(|bytes| Named::read(&bytes));
            names.extend(name.zip(named));
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    /// What is kept of one name.
    ///
    /// # Errors
    /// Of the disk.
    pub fn named(&self, owner: Owner, name: &AnalysisName) -> io::Result<Option<Named>> {
        Ok(disk::read_if_there(&self.names_dir(owner).join(name.as_str()))?.and_then(|bytes| Named::read(&bytes)))
    }

    /// Lets a name stand for what is said from now on; durable on return.
    ///
    /// # Errors
    /// Of the disk; the name then stands for what it did.
    pub fn point(&self, owner: Owner, name: &AnalysisName, named: &Named) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(named)?;
        self.disk.replace(&self.staging_path(), &self.names_dir(owner).join(name.as_str()), &text)
    }

    /// Lets a name stand for nothing; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn unpoint(&self, owner: Owner, name: &AnalysisName) -> io::Result<()> {
        self.disk.remove_if_there(&self.names_dir(owner).join(name.as_str()))?;
        self.disk.settle()
    }

    fn names_dir(&self, owner: Owner) -> PathBuf {
        self.analyses_dir().join(match owner {
            Owner::Clients => "names",
            Owner::Operator => "own",
            Owner::Quarantine => "held",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_former_version_is_understood() {
        let digest = "a".repeat(64);
        let named = Named::read(format!("{digest}\n").as_bytes()).unwrap();
        assert_eq!((named.origin, named.current.to_string(), named.versions.len()), (Origin::Client, digest, 1));
        assert_eq!(Named::read(&serde_json::to_vec(&named).unwrap()), Some(named));
        assert_eq!(Named::read(b"nonsense"), None);
    }
}
