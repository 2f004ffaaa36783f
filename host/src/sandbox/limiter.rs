//! Linear memory and tables, counted over the whole store: wasmtime's own limiter counts each one alone.

use wasmtime::ResourceLimiter;

use crate::limits::Limits;

/// What is held, against what may be.
#[derive(Debug)]
pub struct Limiter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    memory_bytes: usize,
    table_elements: usize,
    instances_max: usize,
    /// Counted when a memory was last allowed to grow.
    last_bytes: usize,
    /// Whether the guest was ever told no.
    pub refused: bool,
}

impl Limiter {
    /// Nothing held yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            memory_bytes_max: size(limits.memory_bytes),
            table_elements_max: size(limits.table_elements),
            instances_max: size(limits.instances),
            memory_bytes: 0,
            table_elements: 0,
            last_bytes: 0,
            refused: false,
        }
    }

    /// Linear memory held, bytes. It never shrinks, so this is the peak.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        u64::try_from(self.memory_bytes).unwrap_or(u64::MAX)
    }

    /// Counts what is held once it has grown, unless that is more than may be, or more than the thing's own maximum: the
    /// engine would then refuse what was counted.
    fn grow(
        &mut self,
        (held, max): (usize, usize),
        (current, desired): (usize, usize),
        own: Option<usize>,
    ) -> Option<usize> {
        // A maximum that is no lower than the limit is no wish of the guest's, but the room of the engine.
        if own.is_some_and(|own| desired > own && own < max) {
            return None;
        }
        let total = held.saturating_add(desired.saturating_sub(current));
        self.refused |= total > max;
        Some(total).filter(|total| *total <= max)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, own: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.grow((self.memory_bytes, self.memory_bytes_max), (current, desired), own);
        self.last_bytes = grown.map_or(0, |grown| grown - self.memory_bytes);
        self.memory_bytes = grown.unwrap_or(self.memory_bytes);
        Ok(grown.is_some())
    }

    fn table_growing(&mut self, current: usize, desired: usize, own: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.grow((self.table_elements, self.table_elements_max), (current, desired), own);
        self.table_elements = grown.unwrap_or(self.table_elements);
        Ok(grown.is_some())
    }

    // The system said no where this did not: the guest is told the same, and fails by the same name. It is asked after
    // this was; a growth that the memory's type cannot hold fails before, and gives nothing back.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        if error.downcast_ref::<std::io::Error>().is_some() {
            self.memory_bytes -= std::mem::take(&mut self.last_bytes);
        }
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    // How many memories and tables there are is seen when a module is admitted; here they are weighed.
    fn memories(&self) -> usize {
        usize::MAX
    }

    fn tables(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(&Limits { memory_bytes: 100, table_elements: 10, ..Limits::DEFAULT })
    }

    #[test]
    fn what_a_maximum_forbids_is_neither_counted_nor_refused_by_a_limit() {
        let mut limiter = limiter();
        assert!(!limiter.memory_growing(10, 60, Some(50)).unwrap());
        assert!(!limiter.table_growing(1, 6, Some(5)).unwrap());
        assert_eq!((limiter.memory_bytes, limiter.table_elements, limiter.refused), (0, 0, false));
        assert!(limiter.memory_growing(10, 50, Some(50)).unwrap());
        assert!(limiter.table_growing(1, 5, Some(5)).unwrap());
        assert_eq!((limiter.memory_bytes, limiter.table_elements, limiter.refused), (40, 4, false));
    }

    #[test]
    fn what_the_engine_has_no_room_for_is_refused_by_the_limit() {
        let mut limiter = limiter();
        assert!(!limiter.table_growing(0, 1_000, Some(100)).unwrap());
        assert!(limiter.refused);
    }

    #[test]
    fn what_the_system_refuses_is_given_back_once() {
        let failed = || wasmtime::Error::from(std::io::Error::from(std::io::ErrorKind::OutOfMemory));
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 30, None).unwrap());
        assert!(limiter.memory_growing(30, 70, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("memory growth exceeds memory type's limits")).unwrap();
        assert_eq!(limiter.memory_bytes(), 70);
        limiter.memory_grow_failed(failed()).unwrap();
        limiter.memory_grow_failed(failed()).unwrap();
        assert_eq!((limiter.memory_bytes(), limiter.refused), (30, true));
    }
}
