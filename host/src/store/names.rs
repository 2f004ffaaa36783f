//! `analyses/names/<name>`: which module a name given over HTTP stands for. The modules themselves lie beside, by digest.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::Store;
use super::disk;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;

impl Store {
    /// Every name with its module; what does not read as either was not written here and is left alone.
    ///
    /// # Errors
    /// Of the disk.
    pub fn names(&self) -> io::Result<Vec<(AnalysisName, ModuleDigest)>> {
        let mut names: Vec<(AnalysisName, ModuleDigest)> = Vec::new();
        for entry in fs::read_dir(self.names_dir())? {
            let path = entry?.path();
            let name = path.file_name().and_then(|it| it.to_str()?.parse().ok());
            let module = disk::read_if_there(&path)?.and_then(|it| str::from_utf8(&it).ok()?.trim().parse().ok());
            names.extend(name.zip(module));
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    /// Lets a name stand for a module from now on; durable on return.
    ///
    /// # Errors
    /// Of the disk; the name then stands for what it did.
    pub fn point(&self, name: &AnalysisName, module: ModuleDigest) -> io::Result<()> {
        let text = format!("{module}\n");
        self.disk.replace(&self.staging_path(), &self.names_dir().join(name.as_str()), text.as_bytes())
    }

    /// Lets a name stand for nothing; durable on return.
    ///
    /// # Errors
    /// Of the disk.
    pub fn unpoint(&self, name: &AnalysisName) -> io::Result<()> {
        self.disk.remove_if_there(&self.names_dir().join(name.as_str()))?;
        self.disk.settle()
    }

    fn names_dir(&self) -> PathBuf {
        self.analyses_dir().join("names")
    }
}
