//! Reading, writing, seeking and cutting, of files and streams.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use super::Fd;
use super::Stdin;
use super::Target;
use super::Vfs;
use super::Whence;
use crate::run::Reason;
use crate::sandbox::errno::CallError;
use crate::sandbox::errno::Errno;
use crate::sandbox::port::Host;
use crate::sandbox::tree::Ino;
use crate::sandbox::tree::Kind;

impl<H: Host> Vfs<H> {
    /// Reads at the descriptor's position and moves it.
    ///
    /// # Errors
    /// `Badf`, `Isdir`.
    pub fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, CallError> {
        let position = self.get(fd)?.position;
        let count = self.read_at(fd, buffer, position)?;
        self.get_mut(fd)?.position += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }

    /// Reads at `offset` and leaves the position.
    ///
    /// # Errors
    /// `Badf`, `Isdir`.
    pub fn read_at(&mut self, fd: Fd, buffer: &mut [u8], offset: u64) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        if !descriptor.access.read {
            return Err(Errno::Badf.into());
        }
        match descriptor.target {
            Target::Stdout | Target::Stderr => Err(Errno::Badf.into()),
            Target::Stdin => match &self.stdin {
                Stdin::Sample => self.read_sample(buffer, offset),
                Stdin::Bytes(bytes) => {
                    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                    let count = buffer.len().min(bytes.len() - from);
                    buffer[..count].copy_from_slice(&bytes[from..from + count]);
                    Ok(count)
                }
            },
            Target::Node(ino) => match self.tree.kind(ino) {
                Kind::Directory(_) => Err(Errno::Isdir.into()),
                Kind::Gone => Err(Errno::Badf.into()),
                Kind::Sample => self.read_sample(buffer, offset),
                Kind::Resource(begin) => self.read_resource(buffer, (*begin, self.tree.size(ino)), offset),
                Kind::File(file) => {
                    let count = usize::try_from(self.tree.size(ino).saturating_sub(offset)).unwrap_or(usize::MAX);
                    let count = count.min(buffer.len());
                    read_fully(file.as_fd(), &mut buffer[..count], offset).map_err(CallError::from)
                }
            },
        }
    }

    /// Writes at the descriptor's position (or the end, when appending) and moves it.
    ///
    /// # Errors
    /// `Badf`; `output-limit` past a quota.
    pub fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        let offset = match descriptor.target {
            Target::Node(ino) if descriptor.access.append => self.tree.size(ino),
            Target::Node(_) | Target::Stdin | Target::Stdout | Target::Stderr => descriptor.position,
        };
        let count = self.write_at(fd, bytes, offset)?;
        self.get_mut(fd)?.position = offset.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    /// Writes at `offset` and leaves the position.
    ///
    /// # Errors
    /// `Badf`; `output-limit` past a quota.
    pub fn write_at(&mut self, fd: Fd, bytes: &[u8], offset: u64) -> Result<usize, CallError> {
        let descriptor = *self.get(fd)?;
        if !descriptor.access.write {
            return Err(Errno::Badf.into());
        }
        match descriptor.target {
            Target::Stdin => Err(Errno::Badf.into()),
            Target::Stdout => self.print(bytes),
            Target::Stderr => self.log(bytes),
            Target::Node(ino) => {
                let Kind::File(_) = self.tree.kind(ino) else { return Err(Errno::Badf.into()) };
                let end = offset.checked_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)).ok_or(Errno::Inval)?;
                if bytes.is_empty() {
                    return Ok(0);
                }
                let size = self.tree.size(ino);
                if end > size {
                    self.tree.resize(ino, end)?;
                    self.count_hole(offset.saturating_sub(size))?;
                }
                let Kind::File(file) = self.tree.kind(ino) else { return Err(Errno::Badf.into()) };
                write_fully(file.as_fd(), bytes, offset)?;
                Ok(bytes.len())
            }
        }
    }

    /// Cuts or extends a file.
    ///
    /// # Errors
    /// `Badf`, `Inval` for what is no writable file; `output-limit`.
    pub fn set_size(&mut self, fd: Fd, size: u64) -> Result<(), CallError> {
        let descriptor = *self.get(fd)?;
        let Target::Node(ino) = descriptor.target else { return Err(Errno::Inval.into()) };
        if self.tree.stat(ino).directory {
            return Err(Errno::Isdir.into());
        }
        let Kind::File(_) = self.tree.kind(ino) else { return Err(Errno::Inval.into()) };
        if !descriptor.access.write {
            return Err(Errno::Badf.into());
        }
        self.resize_file(ino, size)
    }

    /// Moves the position.
    ///
    /// # Errors
    /// `Badf`, `Spipe` for streams, `Inval` before the start.
    pub fn seek(&mut self, fd: Fd, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let descriptor = *self.get(fd)?;
        let Target::Node(ino) = descriptor.target else { return Err(Errno::Spipe) };
        if self.tree.stat(ino).directory {
            return Err(Errno::Badf);
        }
        let base = match whence {
            Whence::Start => 0,
            Whence::Current => descriptor.position,
            Whence::End => self.tree.size(ino),
        };
        let position = base.checked_add_signed(offset).ok_or(Errno::Inval)?;
        self.get_mut(fd)?.position = position;
        Ok(position)
    }

    pub(super) fn resize_file(&mut self, ino: Ino, size: u64) -> Result<(), CallError> {
        let before = self.tree.size(ino);
        self.tree.resize(ino, size)?;
        self.count_hole(size.saturating_sub(before))?;
        if let Kind::File(file) = self.tree.kind(ino) {
            rustix::fs::ftruncate(file, size)?;
        }
        Ok(())
    }

    fn count_hole(&mut self, bytes: u64) -> Result<(), CallError> {
        self.holes.made = self.holes.made.saturating_add(bytes);
        if self.holes.made > self.holes.afforded { Err(CallError::OutOfFuel) } else { Ok(()) }
    }

    fn read_resource(&self, buffer: &mut [u8], (begin, size): (u64, u64), offset: u64) -> Result<usize, CallError> {
        let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let Some(resources) = self.tree.resources() else { return Err(Errno::Badf.into()) };
        let at = begin.saturating_add(offset);
        read_fully(resources.file.as_fd(), &mut buffer[..count], at).map_err(CallError::from)
    }

    /// Reads the sample, whatever descriptors are open, and counts what was read.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn read_sample(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, CallError> {
        let count = read_fully(self.sample.as_fd(), buffer, offset)?;
        self.bytes_read = self.bytes_read.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }

    /// What stdin gives, whole and as text.
    ///
    /// # Errors
    /// When it is the sample, or no text.
    pub fn args(&mut self) -> std::io::Result<String> {
        match &self.stdin {
            Stdin::Bytes(bytes) => String::from_utf8(bytes.clone()).map_err(std::io::Error::other),
            Stdin::Sample => Ok(String::new()),
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Result<usize, CallError> {
        let total = u64::try_from(self.stdout.len() + bytes.len()).unwrap_or(u64::MAX);
        if total > self.limits.stdout_bytes {
            return Err(CallError::Limit(Reason::OutputLimit, "stdout_bytes"));
        }
        self.stdout.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Bytes that the log still takes.
    #[must_use]
    pub fn log_room(&self) -> usize {
        usize::try_from(self.stderr_room.unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// A full log is no reason to end a run: the rest is dropped, and the log says so.
    fn log(&mut self, bytes: &[u8]) -> Result<usize, CallError> {
        if let Some(room) = self.stderr_room {
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let kept = &bytes[..bytes.len().min(room)];
            self.host.log(kept).map_err(CallError::Host)?;
            self.stderr_room = u64::try_from(room - kept.len()).ok();
            if kept.len() < bytes.len() {
                self.stderr_room = None;
                self.host.log(b"\n[log cut here: stderr_bytes is used up]\n").map_err(CallError::Host)?;
            }
        }
        Ok(bytes.len())
    }
}

/// Reads until the buffer is full or the file ends; a short read of the kernel is not the guest's business.
fn read_fully(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        if i64::try_from(at).is_err() {
            break; // Past what a file can hold: the end, as far as the guest is concerned.
        }
        match rustix::io::pread(file, &mut buffer[filled..], at) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

fn write_fully(file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> rustix::io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        let at = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        match rustix::io::pwrite(file, &bytes[written..], at) {
            Ok(count) => written += count,
            Err(rustix::io::Errno::INTR) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
