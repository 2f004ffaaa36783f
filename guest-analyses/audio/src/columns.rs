//! A sound of any length as a bounded number of columns: where they do not suffice, two become one.

/// What can be laid together.
pub trait Merge: Clone {
    fn merge(&mut self, other: &Self);
}

/// As many columns as half the maximum at least, once there were so many steps.
#[derive(Debug)]
pub struct Columns<T> {
    columns: Vec<T>,
    columns_max: usize,
    steps_per_column: u64,
    steps_in_last: u64,
}

impl<T: Merge> Columns<T> {
    /// Columns for a picture so wide: enough that each pixel has some of its own.
    pub fn for_width(width_px: usize) -> Self {
        Self { columns: Vec::new(), columns_max: 4 * width_px.max(1), steps_per_column: 1, steps_in_last: 0 }
    }

    pub fn push(&mut self, step: T) {
        if self.steps_in_last < self.steps_per_column && !self.columns.is_empty() {
            if let Some(last) = self.columns.last_mut() {
                last.merge(&step);
            }
            self.steps_in_last += 1;
            return;
        }
        if self.columns.len() == self.columns_max {
            self.halve();
        }
        self.columns.push(step);
        self.steps_in_last = 1;
    }

    fn halve(&mut self) {
        let merged = |pair: &[T]| {
            let mut first = pair[0].clone();
            pair[1..].iter().for_each(|it| first.merge(it));
            first
        };
        self.columns = self.columns.chunks(2).map(merged).collect();
        self.steps_per_column *= 2;
    }

    /// One for each pixel; none if there was no step.
    pub fn stretched(&self, width_px: usize) -> impl Iterator<Item = T> {
        let count = self.columns.len();
        let width_px = if count == 0 { 0 } else { width_px };
        (0..width_px).map(move |x| {
            let from = x * count / width_px;
            let to = ((x + 1) * count / width_px).max(from + 1);
            let mut column = self.columns[from].clone();
            self.columns[from + 1..to].iter().for_each(|it| column.merge(it));
            column
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Merge for u64 {
        fn merge(&mut self, other: &Self) {
            *self += other;
        }
    }

    #[test]
    fn nothing_is_lost_and_memory_stays_bounded() {
        for steps in [1, 7, 8, 9, 1000, 12_345] {
            let mut columns = Columns::for_width(2);
            (0..steps).for_each(|_| columns.push(1));
            assert!(columns.columns.len() <= 8 && columns.columns.iter().sum::<u64>() == steps, "{steps}: {columns:?}");
            assert!(columns.columns.iter().rev().skip(1).all(|it| *it == columns.steps_per_column), "{columns:?}");
        }
    }

    #[test]
    fn few_columns_are_stretched_and_many_merged() {
        let mut columns = Columns::for_width(4);
        assert_eq!(columns.stretched(4).count(), 0);
        columns.push(1_u64);
        columns.push(2);
        assert_eq!(columns.stretched(4).collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert_eq!(columns.stretched(1).collect::<Vec<_>>(), [3]);
    }
}
