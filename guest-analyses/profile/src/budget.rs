//! The memory that the columns' values may take, shared: a part guaranteed to each column, the rest for who needs it.
//!
//! What a run holds at most, for 2,000 columns of which every value is another: 24 MiB of values (here), 2,000 t-digests
//! of 5.6 KiB, 2,000 HyperLogLogs of 2 KiB, 2,000 × 3 texts of 800 bytes, a field, two blocks and a sample: 50 MiB.

const GUARANTEED_BYTES: usize = 16 * 1024 * 1024;
const POOL_BYTES: usize = 8 * 1024 * 1024;
/// With more columns than this, their sketches are smaller.
const FINE_COLUMNS_MAX: usize = 500;

/// What is left for columns that need more than their guaranteed part.
#[derive(Debug)]
pub struct Budget {
    pool_bytes: usize,
    columns: usize,
}

/// How fine sketches are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grain {
    /// For few columns.
    Fine,
    /// For many.
    Coarse,
}

impl Budget {
    /// Shared by so many columns.
    pub fn new(columns: usize) -> Self {
        Self { pool_bytes: POOL_BYTES, columns }
    }

    /// What a column has for itself.
    pub fn guaranteed_bytes(&self) -> usize {
        GUARANTEED_BYTES / self.columns.max(1)
    }

    /// What so many columns have room for.
    pub fn grain(&self) -> Grain {
        if self.columns <= FINE_COLUMNS_MAX { Grain::Fine } else { Grain::Coarse }
    }

    /// Takes from the pool; `None`, and nothing is taken, when it has not that much.
    pub fn take(&mut self, bytes: usize) -> Option<()> {
        self.pool_bytes = self.pool_bytes.checked_sub(bytes)?;
        Some(())
    }

    /// Back to the pool.
    pub fn give_back(&mut self, bytes: usize) {
        self.pool_bytes += bytes;
        assert!(self.pool_bytes <= POOL_BYTES, "more came back than was taken");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_gives_what_it_has() {
        let mut budget = Budget::new(2);
        assert_eq!(budget.take(POOL_BYTES), Some(()));
        assert_eq!(budget.take(1), None);
        budget.give_back(1);
        assert_eq!(budget.take(1), Some(()));
    }

    #[test]
    fn many_columns_get_less_each() {
        assert_eq!(Budget::new(0).guaranteed_bytes(), GUARANTEED_BYTES);
        assert_eq!(Budget::new(2_000).guaranteed_bytes(), GUARANTEED_BYTES / 2_000);
        assert_eq!((Budget::new(500).grain(), Budget::new(501).grain()), (Grain::Fine, Grain::Coarse));
    }
}
