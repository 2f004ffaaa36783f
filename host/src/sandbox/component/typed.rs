//! The world of `wit/analysis.wit`: the sample read by offset, progress, log and artifacts without a file system.

use wasmtime::component::ComponentType;
use wasmtime::component::Lift;
use wasmtime::component::Linker;
use wasmtime::component::Lower;
use wasmtime::component::Resource;

use super::Interface;
use super::p2::Wasi02;
use crate::sandbox::errno::CallError;
use crate::sandbox::errno::Errno;
use crate::sandbox::execute::Guest;
use crate::sandbox::port::Host;
use crate::sandbox::vfs::Access;
use crate::sandbox::vfs::OUT_FD;
use crate::sandbox::vfs::OpenHow;
use crate::sandbox::vfs::STDERR_FD;
use crate::sandbox::work::Done;

/// Most bytes of one read; more is read by asking again.
const READ_BYTES_MAX: u32 = 8 << 20;

/// `sample.facts`.
#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
struct Facts {
    name: String,
    #[component(name = "media-type")]
    media_type: String,
    size: u64,
    sha1: String,
    sha256: String,
}

/// `report.level`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "the guest makes them")]
enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// `report.artifact`; its representation is the descriptor of the file.
enum Artifact {}

pub(super) fn link<H: Host>(linker: &mut Linker<Guest<H>>) -> wasmtime::Result<()> {
    let mut sample = Interface::<H, Wasi02>::named(linker, "belljar:analysis/sample@1.0.0")?;
    sample.plain("describe", |guest, ()| {
        let (name, size) = guest.vfs.sample();
        Ok(Facts {
            name: name.to_owned(),
            media_type: guest.facts.media_type.clone(),
            size,
            sha1: guest.facts.sha1.clone(),
            sha256: guest.facts.sha256.clone(),
        })
    })?;
    sample.plain("read", |guest, (offset, len): (u64, u32)| {
        guest.read_block(u64::from(len.min(READ_BYTES_MAX)), |vfs, buffer| vfs.read_sample(buffer, offset))
    })?;
    let mut report = Interface::<H, Wasi02>::named(linker, "belljar:analysis/report@1.0.0")?;
    report.silent("progress", |guest, (fraction, message): (f64, String)| {
        say(guest, &format!("@progress {fraction:.3}"), &message)
    })?;
    report.silent("log", |guest, (level, message): (Level, String)| say(guest, level.word(), &message))?;
    link_artifact(&mut report)
}

fn link_artifact<H: Host>(report: &mut Interface<'_, H, Wasi02>) -> wasmtime::Result<()> {
    report.resource::<Artifact>("artifact", |guest, rep| {
        guest.artifact_names.remove(&rep);
        guest.vfs.close_own(rep);
    })?;
    report.plain("[static]artifact.create", |guest, (name,): (String,)| {
        guest.work.count_path(name.as_bytes());
        let how = OpenHow {
            access: Access { read: false, write: true, append: true },
            create: true,
            exclusive: true,
            truncate: false,
            directory: false,
        };
        let plain_name = !name.contains('/') && name != "." && name != "..";
        let made = if plain_name {
            guest.vfs.open_at(OUT_FD, name.as_bytes(), how)
        } else {
            Err(CallError::Errno(Errno::Inval))
        };
        refused(made).map(|made| {
            made.map(|fd| {
                guest.artifact_names.insert(fd, name);
                Resource::<Artifact>::new_own(fd)
            })
        })
    })?;
    report.plain("[method]artifact.write", |guest, (it, bytes): (Resource<Artifact>, Vec<u8>)| {
        guest.work.spend_on_writing(&bytes)?;
        refused(guest.vfs.write(it.rep(), &bytes).map(drop))
    })?;
    report.plain("[method]artifact.path", |guest, (it,): (Resource<Artifact>,)| {
        let name = guest.artifact_names.get(&it.rep()).ok_or(Errno::Badf)?;
        Ok(format!("/out/{name}"))
    })
}

/// An error number, as a sentence; anything worse ends the run.
fn refused<T>(done: Done<T>) -> Done<Result<T, String>> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(CallError::Errno(Errno::Exist)) => Ok(Err("there is an artifact of that name already".to_owned())),
        Err(CallError::Errno(Errno::Mfile)) => Ok(Err("more than `descriptors` allows are open".to_owned())),
        Err(CallError::Errno(errno)) => Ok(Err(format!("that is no name for an artifact ({errno:?})"))),
        Err(end) => Err(end),
    }
}

/// Writes a line of the log. What the log has no room for is paid for, and not copied: a message may be longer than what
/// memory there is.
fn say<H: Host>(guest: &mut Guest<H>, head: &str, message: &str) -> Done {
    guest.work.spend_on_writing(message.as_bytes())?;
    let line = format!("{head} {}\n", one_line(message, guest.vfs.log_room()));
    guest.vfs.write(STDERR_FD, line.as_bytes()).map(drop)
}

/// The message without line breaks; of one that is longer than `most` bytes, a little more than those.
fn one_line(message: &str, most: usize) -> String {
    let mut line = String::with_capacity(message.len().min(most.saturating_add(4)));
    for letter in message.chars() {
        if line.len() > most {
            break;
        }
        line.push(if letter.is_control() { ' ' } else { letter });
    }
    line
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_no_more_of_it_is_copied_than_there_is_room_for() {
        assert_eq!(one_line("a\nb\u{85}c", 100), "a b c");
        let long = "\u{4e4e}".repeat(1 << 20);
        for most in [0, 1, 2, 3, 1000] {
            let line = one_line(&long, most);
            assert!(line.len() > most, "the log has to see that it is cut");
            assert!(line.len() <= most + 3 && line.capacity() < most + 16, "{most}: {}", line.capacity());
        }
    }
}
