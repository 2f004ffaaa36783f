//! Directories being listed, each with the last name it gave: a name that comes or goes meanwhile disturbs nothing.

use crate::sandbox::vfs::Fd;

/// The listings of a run, by representation.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Listings(Vec<Option<Listing>>);

#[derive(Debug)]
pub(super) struct Listing {
    /// Its own.
    pub(super) fd: Fd,
    pub(super) after: Option<String>,
}

impl Listings {
    /// A new one over a descriptor of its own; the descriptors that a guest may hold bound how many there are.
    pub(super) fn add(&mut self, fd: Fd) -> u32 {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free == self.0.len() {
            self.0.push(None);
        }
        self.0[free] = Some(Listing { fd, after: None });
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    pub(super) fn get_mut(&mut self, rep: u32) -> Option<&mut Listing> {
        self.0.get_mut(usize::try_from(rep).ok()?)?.as_mut()
    }

    /// Takes it away, and tells which descriptor is to be closed.
    pub(super) fn remove(&mut self, rep: u32) -> Option<Fd> {
        Some(self.0.get_mut(usize::try_from(rep).ok()?)?.take()?.fd)
    }
}
