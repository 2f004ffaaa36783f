//! Linear memory and tables, counted over the whole store: wasmtime's own limiter counts each one alone.

use wasmtime::ResourceLimiter;

/// What is held, against what may be.
#[derive(Debug)]
pub struct Limiter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    memory_bytes: usize,
    table_elements: usize,
    /// Whether the guest was ever told no.
    pub refused: bool,
}

impl Limiter {
    /// Nothing held yet.
    #[must_use]
    pub fn new(memory_bytes_max: u64, table_elements_max: u64) -> Self {
        Self {
            memory_bytes_max: usize::try_from(memory_bytes_max).unwrap_or(usize::MAX),
            table_elements_max: usize::try_from(table_elements_max).unwrap_or(usize::MAX),
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

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        4
    }
}
