//! What pollables wait for.

/// A pollable that is always ready: files and streams never make a guest wait.
pub(super) const READY: u32 = 0;

/// The instants that a run's pollables wait for, by representation.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Polls {
    at_ns: Vec<Option<u64>>,
}

impl Polls {
    /// A new one; how many there can be is bounded by the handles that a guest may hold.
    pub(super) fn add(&mut self, at_ns: u64) -> u32 {
        let free = self.at_ns.iter().position(Option::is_none).unwrap_or(self.at_ns.len());
        if free == self.at_ns.len() {
            self.at_ns.push(None);
        }
        self.at_ns[free] = Some(at_ns);
        u32::try_from(free + 1).unwrap_or(READY)
    }

    /// When it is ready; `None` for at once.
    pub(super) fn at(&self, rep: u32) -> Option<u64> {
        let slot = usize::try_from(rep.checked_sub(1)?).ok()?;
        self.at_ns.get(slot).copied().flatten()
    }

    pub(super) fn remove(&mut self, rep: u32) {
        let slot = rep.checked_sub(1).and_then(|it| usize::try_from(it).ok());
        if let Some(slot) = slot.and_then(|it| self.at_ns.get_mut(it)) {
            *slot = None;
        }
    }
}
