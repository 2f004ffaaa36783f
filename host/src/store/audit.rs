//! `audit/<day>.jsonl`: who asked what, of which file, by which module, and what came of it; a line of JSON each, in the
//! order in which it happened. Lines are only ever added; files of past days go after as many days as the operator says.
//!
//! A line is in the page cache when its answer goes out, and on disk within a second: a killed server loses none, a power
//! cut those of the last second.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde::Serialize;

use super::lists;
use crate::access::TokenId;
use crate::id::AnalysisName;
use crate::id::ModuleDigest;
use crate::id::RunKey;
use crate::id::Tenant;
use crate::id::TraceId;
use crate::time::DAY_MS;
use crate::time::Timestamp;

/// A line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Entry {
    Request(Asked),
    Run(Ran),
}

/// A request that was answered.
#[derive(Debug, Serialize)]
pub struct Asked {
    pub time: Timestamp,
    /// What its answer has as `X-Request-Id`.
    pub request: TraceId,
    /// The address that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// Of the token, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    pub method: &'static str,
    pub path: String,
    /// What came about by it: the path of an upload or of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub status: u16,
}

/// A run that has ended.
#[derive(Debug, Serialize)]
pub struct Ran {
    pub time: Timestamp,
    /// The one that began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<TraceId>,
    /// Of who asked for it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    pub tenant: Tenant,
    pub subject: String,
    pub analysis: AnalysisName,
    /// By its SHA-256.
    pub module: ModuleDigest,
    /// `successful`, or the reason why there is no result.
    pub outcome: &'static str,
    pub fuel: u64,
}

impl Ran {
    /// The path of its result.
    #[must_use]
    pub fn subject(key: RunKey) -> String {
        format!("/results/{}/{}", key.file_id, key.analysis_id)
    }
}

impl Entry {
    fn time(&self) -> Timestamp {
        match self {
            Self::Request(asked) => asked.time,
            Self::Run(ran) => ran.time,
        }
    }
}

/// Takes lines.
#[derive(Debug)]
pub struct AuditLog {
    directory: PathBuf,
    today: Mutex<Option<Today>>,
}

#[derive(Debug)]
struct Today {
    day: String,
    file: File,
    /// Whether all of it is on disk.
    synced: Synced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synced {
    Yes,
    No,
}

impl AuditLog {
    /// In a data directory.
    ///
    /// # Errors
    /// Of the disk.
    pub fn open(root: &Path) -> io::Result<Self> {
        let directory = root.join("audit");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory, today: Mutex::default() })
    }

    /// Adds a line. One that cannot be written is told to the server's log, whole.
    pub fn note(&self, entry: &Entry) {
        let Ok(mut line) = serde_json::to_vec(entry) else { return };
        line.push(b'\n');
        if let Err(error) = self.add(&day(entry.time()), &line) {
            let line = String::from_utf8_lossy(&line);
            tracing::error!(%error, line = line.trim_end(), "the audit log cannot be written");
        }
    }

    fn add(&self, day: &str, line: &[u8]) -> io::Result<()> {
        let mut today = self.today();
        // A line of yesterday that comes late stands in today's file.
        let begun = today.as_ref().is_some_and(|it| *it.day >= *day);
        if !begun {
            let past = today.take();
            *today = Some(Today { day: day.to_owned(), file: self.begin(day)?, synced: Synced::Yes });
            past.map_or(Ok(()), |it| it.file.sync_data())?;
        }
        let Some(current) = today.as_mut() else { return Ok(()) };
        current.synced = Synced::No;
        let written = current.file.write_all(line);
        if written.is_err() {
            // Half of it may stand there: what follows begins with a line of its own.
            *today = None;
        }
        written
    }

    /// For adding to; what a cut left of a line stays a line of its own.
    fn begin(&self, day: &str) -> io::Result<File> {
        let path = self.directory.join(format!("{day}.jsonl"));
        let mut file = File::options().create(true).append(true).read(true).mode(0o600).open(path)?;
        let mut last = [b'\n'];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        File::open(&self.directory)?.sync_all()?;
        Ok(file)
    }

    /// Sees to it that every line is on disk.
    ///
    /// # Errors
    /// Of the disk.
    pub fn sync(&self) -> io::Result<()> {
        let file = match self.today().as_mut() {
            Some(today) if today.synced == Synced::No => {
                today.synced = Synced::Yes;
                today.file.try_clone()?
            }
            Some(_) | None => return Ok(()),
        };
        file.sync_data().inspect_err(|_| {
            if let Some(today) = self.today().as_mut() {
                today.synced = Synced::No;
            }
        })
    }

    /// Removes the files of days that are longer ago; gives how many.
    ///
    /// # Errors
    /// Of the disk.
    pub fn forget(&self, now: Timestamp, days: u32) -> io::Result<usize> {
        let first = day(now.minus_ms(u64::from(days) * DAY_MS));
        let mut gone = 0;
        for name in lists::names(&self.directory)? {
            let name = name?;
            if name.strip_suffix(".jsonl").is_some_and(|day| day.len() == first.len() && *day < *first) {
                fs::remove_file(self.directory.join(&name))?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    fn today(&self) -> MutexGuard<'_, Option<Today>> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `2026-11-24`.
fn day(time: Timestamp) -> String {
    let mut text = time.to_string();
    text.truncate("2026-11-24".len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(unix_ms: i64, path: &str) -> Entry {
        Entry::Request(Asked {
            request: TraceId::new([7; 16]),
            time: Timestamp::from_unix_ms(unix_ms),
            from: None,
            token: None,
            name: None,
            tenant: None,
            method: "GET",
            path: path.to_owned(),
            subject: None,
            status: 200,
        })
    }

    #[test]
    fn lines_are_added_a_file_a_day_and_a_torn_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let day_ms = i64::try_from(DAY_MS).unwrap();
        let log = AuditLog::open(dir.path()).unwrap();
        log.note(&asked(0, "/a\n\"b"));
        log.note(&asked(day_ms, "/c"));
        log.sync().unwrap();
        drop(log);
        let second = dir.path().join("audit/1970-01-02.jsonl");
        fs::write(&second, [&fs::read(&second).unwrap()[..], b"{\"torn"].concat()).unwrap();
        let log = AuditLog::open(dir.path()).unwrap();
        log.note(&asked(day_ms, "/d"));
        let text = fs::read_to_string(&second).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[1]), (3, "{\"torn"));
        let last: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!((&last["event"], &last["path"]), (&"request".into(), &"/d".into()));
        let first = fs::read_to_string(dir.path().join("audit/1970-01-01.jsonl")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(first.trim_end()).unwrap()["path"], "/a\n\"b");
        assert_eq!(log.forget(Timestamp::from_unix_ms(day_ms * 3), 2).unwrap(), 1);
        assert!(second.exists());
    }
}
