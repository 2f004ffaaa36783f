//! What stands behind resources that are no descriptors, by their representation.

/// Things by number; a number that is free is given out again.
#[derive(Debug)]
pub(in crate::sandbox) struct Slots<T>(Vec<Option<T>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Slots<T> {
    /// Takes one in. The handles and descriptors that a guest may hold bound how many there are.
    pub(super) fn add(&mut self, thing: T) -> u32 {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free == self.0.len() {
            self.0.push(None);
        }
        self.0[free] = Some(thing);
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.0.get(usize::try_from(number).ok()?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.0.get_mut(usize::try_from(number).ok()?)?.as_mut()
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        self.0.get_mut(usize::try_from(number).ok()?)?.take()
    }
}
