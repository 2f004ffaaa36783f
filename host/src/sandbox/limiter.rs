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
            refused: false,
        }
    }

    /// Linear memory held, bytes. It never shrinks, so this is the peak.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        u64::try_from(self.memory_bytes).unwrap_or(u64::MAX)
    }

    fn grow(held: &mut usize, max: usize, (current, desired): (usize, usize)) -> bool {
        let total = held.saturating_add(desired.saturating_sub(current));
        if total <= max {
            *held = total;
        }
        total <= max
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = Self::grow(&mut self.memory_bytes, self.memory_bytes_max, (current, desired));
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = Self::grow(&mut self.table_elements, self.table_elements_max, (current, desired));
        self.refused |= !granted;
        Ok(granted)
    }

    // The system said no where this did not: the guest is told the same, and fails by the same name.
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
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
