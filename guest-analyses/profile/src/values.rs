//! The distinct values of a column and how often each was seen: exactly while there is room, then the frequent ones.
//!
//! Beyond [`VALUES_MAX`] values or the column's memory, the rarer half is forgotten, again and again. `floor` is the
//! highest count ever forgotten, so no value outside was seen more often, and one that comes (back) in starts above it.
//! This is Space-Saving with the batched eviction of Anderson et al., "A High-Performance Algorithm for Identifying
//! Frequent Items in Data Streams" (IMC 2017): a count is at most `overcount` too high and never too low.

use hashbrown::HashTable;
use serde::Serialize;

use crate::budget::Budget;
use crate::text::Shown;

/// More distinct values are estimated.
pub const VALUES_MAX: usize = 10_000;
/// What an entry costs beside its text: its place in a table that may be half empty, and the allocator's header.
const ENTRY_BYTES: usize = 112;

#[derive(Debug)]
pub struct Values {
    table: HashTable<Entry>,
    /// As accounted, [`ENTRY_BYTES`] each and the texts.
    bytes: usize,
    guaranteed_bytes: usize,
    floor: u64,
    exact: bool,
}

/// A value: its text as shown, and what tells it from others that are shown alike.
///
/// Texts up to the length shown are compared whole. Longer ones are equal if their beginning, length and hash are.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    shown: Shown<'a>,
    length: usize,
    hash: u64,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    count: u64,
    overcount: u64,
    length: usize,
    shown: Box<str>,
}

/// One of the most frequent values.
#[derive(Debug, PartialEq, Serialize)]
pub struct Frequent {
    pub value: String,
    pub count: u64,
    /// By how much the count may be too high.
    #[serde(skip_serializing_if = "is_zero")]
    pub overcount_max: u64,
}

/// The table has no room for a further value.
#[derive(Debug, PartialEq)]
pub struct Full;

impl<'a> Key<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { shown: Shown::new(text), length: text.len(), hash: xxhash_rust::xxh3::xxh3_64(text.as_bytes()) }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }
}

impl Values {
    pub fn new(budget: &Budget) -> Self {
        let guaranteed_bytes = budget.guaranteed_bytes();
        Self { table: HashTable::new(), bytes: 0, guaranteed_bytes, floor: 0, exact: true }
    }

    pub fn is_exact(&self) -> bool {
        self.exact
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Counts a value.
    ///
    /// # Errors
    /// When it is new and there is no room: [`Values::forget`] makes some.
    pub fn add(&mut self, key: Key<'_>, budget: &mut Budget) -> Result<(), Full> {
        let same =
            |entry: &Entry| entry.hash == key.hash && entry.length == key.length && *entry.shown == *key.shown.as_str();
        if let Some(entry) = self.table.find_mut(key.hash, same) {
            entry.count += 1;
            return Ok(());
        }
        let bytes = self.bytes + ENTRY_BYTES + key.shown.as_str().len();
        if self.table.len() >= VALUES_MAX {
            return Err(Full);
        }
        if bytes > self.guaranteed_bytes {
            let more = self.pooled(bytes) - self.pooled(self.bytes);
            if !self.exact || budget.take(more).is_none() {
                return Err(Full);
            }
        }
        self.bytes = bytes;
        let entry = Entry {
            hash: key.hash,
            count: self.floor + 1,
            overcount: self.floor,
            length: key.length,
            shown: key.shown.as_str().into(),
        };
        self.table.insert_unique(key.hash, entry, |entry| entry.hash);
        Ok(())
    }

    /// Forgets the rarer half, and more until the column lives on half of its guaranteed memory.
    pub fn forget(&mut self, budget: &mut Budget) {
        budget.give_back(self.pooled(self.bytes));
        loop {
            let mut counts: Vec<_> = self.table.iter().map(|entry| entry.count).collect();
            if counts.is_empty() {
                break;
            }
            let middle = counts.len() / 2;
            let (_, median, _) = counts.select_nth_unstable(middle);
            self.floor = self.floor.max(*median);
            let floor = self.floor;
            self.table.retain(|entry| entry.count > floor);
            self.bytes = self.table.iter().map(|entry| ENTRY_BYTES + entry.shown.len()).sum();
            if self.bytes <= self.guaranteed_bytes / 2 {
                break;
            }
        }
        if self.exact {
            self.exact = false;
            self.table.shrink_to_fit(|entry| entry.hash);
        }
    }

    /// Hash, text as shown and count of each value, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &str, u64)> {
        self.table.iter().map(|entry| (entry.hash, &*entry.shown, entry.count))
    }

    /// The most frequent values, those of one count by their text. After some were forgotten, only values of which it
    /// is certain that they are more frequent than every forgotten one.
    pub fn into_frequent(self, count_max: usize) -> Vec<Frequent> {
        let floor = self.floor;
        let certain = |entry: &Entry| entry.count - entry.overcount > floor;
        let mut entries: Vec<_> = self.table.into_iter().filter(certain).collect();
        entries.sort_unstable_by(|a, b| (b.count, &a.shown, a.hash).cmp(&(a.count, &b.shown, b.hash)));
        entries.truncate(count_max);
        entries
            .into_iter()
            .map(|entry| Frequent {
                value: entry.shown.into_string(),
                count: entry.count,
                overcount_max: entry.overcount,
            })
            .collect()
    }

    fn pooled(&self, bytes: usize) -> usize {
        bytes.saturating_sub(self.guaranteed_bytes)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(values: &mut Values, text: &str, budget: &mut Budget) {
        if values.add(Key::new(text), budget).is_err() {
            values.forget(budget);
            values.add(Key::new(text), budget).unwrap();
        }
    }

    #[test]
    fn counts_are_exact_up_to_the_limit() {
        let mut budget = Budget::new(1);
        let mut values = Values::new(&budget);
        for round in 0..3 {
            (0..VALUES_MAX - round).for_each(|number| add(&mut values, &number.to_string(), &mut budget));
        }
        assert!(values.is_exact());
        assert_eq!(values.len(), VALUES_MAX);
        assert_eq!(values.add(Key::new("x"), &mut budget), Err(Full));
        let top = values.into_frequent(2);
        let frequent = |value: &str| Frequent { value: value.into(), count: 3, overcount_max: 0 };
        assert_eq!(top, [frequent("0"), frequent("1")]);
    }

    #[test]
    fn frequent_values_survive_a_stream_of_others() {
        let mut budget = Budget::new(1);
        let mut values = Values::new(&budget);
        for number in 0..200_000 {
            add(&mut values, &format!("unique {number}"), &mut budget);
            if number % 10 == 0 {
                add(&mut values, "often", &mut budget);
            }
        }
        assert!(!values.is_exact());
        let top = values.into_frequent(10);
        assert_eq!(top.len(), 1, "{top:?}");
        assert_eq!(top[0].value, "often");
        assert!((20_000..=20_000 + top[0].overcount_max).contains(&top[0].count), "{top:?}");
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let mut budget = Budget::new(2_000);
        let mut values = Values::new(&budget);
        for number in 0..100_000 {
            add(&mut values, &format!("{number:0>900}"), &mut budget);
        }
        assert!(values.bytes <= values.guaranteed_bytes);
        assert!(values.table.capacity() * size_of::<Entry>() <= values.guaranteed_bytes);
        budget.take(8 * 1024 * 1024).unwrap();
    }

    #[test]
    fn long_values_are_told_apart_by_what_is_not_shown() {
        let mut budget = Budget::new(1);
        let mut values = Values::new(&budget);
        let long = "x".repeat(500);
        for end in ["a", "b", "a"] {
            add(&mut values, &format!("{long}{end}"), &mut budget);
        }
        assert_eq!(values.len(), 2);
    }
}
