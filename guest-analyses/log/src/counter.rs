//! How often things come, in bounded memory.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

/// So many different things are counted; later ones are not.
const DIFFERENT_MAX: usize = 50_000;
const NAME_CHARS_MAX: usize = 200;

/// A thing and how often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counted {
    pub name: String,
    pub count: u64,
}

/// Counts by name.
#[derive(Debug, Default)]
pub struct Counter(HashMap<String, u64>);

impl Counter {
    pub fn take(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count += 1;
        } else if self.0.len() < DIFFERENT_MAX && name.chars().count() <= NAME_CHARS_MAX {
            self.0.insert(name.to_owned(), 1);
        }
    }

    pub fn different(&self) -> usize {
        self.0.len()
    }

    /// The most frequent ones.
    pub fn top(self, max: usize) -> Vec<Counted> {
        let mut all: Vec<_> = self.0.into_iter().map(|(name, count)| Counted { name, count }).collect();
        all.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        all.truncate(max);
        all
    }
}
