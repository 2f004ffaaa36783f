//! The columns of rows that may have any members: made as they are met, up to a limit.

use std::collections::HashMap;

use profile::budget::Budget;
use profile::column::Column;
use profile::kind::Decimal;
use profile::layout::COLUMNS_MAX;
use profile::records::FIELD_BYTES_MAX;
use profile::report::top_shown;
use profile::text::Shown;

use crate::report::Profiled;

/// A longer way leads to no column.
const WAY_BYTES_MAX: usize = 1024;

/// Where in a row a value is.
#[derive(Debug, Default)]
pub struct Way {
    path: String,
    depth: usize,
    arrays: usize,
}

/// How a way was, to go back there.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    length: usize,
    depth: usize,
}

#[derive(Debug)]
pub struct Columns {
    columns: Vec<Met>,
    places: HashMap<Box<str>, usize>,
    /// The memory of columns that were known of, and of those that come later.
    budgets: [Budget; 2],
    known: usize,
    /// Where the next value most likely goes: rows are alike.
    expected: usize,
    rows: u64,
    scratch: String,
    /// Values that have no column.
    pub dropped: u64,
    /// Members that came twice in one object.
    pub repeated: u64,
    /// Texts that were cut.
    pub oversized: u64,
}

#[derive(Debug)]
struct Met {
    path: Box<str>,
    column: Column,
    /// Within an array there may be any number in a row.
    is_many: bool,
    last_row: u64,
    rows: u64,
}

impl Way {
    pub fn depth(&self) -> usize {
        self.depth
    }

    pub fn mark(&self) -> Mark {
        Mark { length: self.path.len(), depth: self.depth }
    }

    /// Goes to a member.
    pub fn enter(&mut self, name: &str) {
        if self.depth > 0 {
            self.path.push('/');
        }
        self.depth += 1;
        // A name may have a megabyte.
        if name.len() > WAY_BYTES_MAX {
            self.path.extend(std::iter::repeat_n('~', WAY_BYTES_MAX + 1));
        } else if name.contains(['~', '/']) {
            self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        } else {
            self.path.push_str(name);
        }
    }

    /// Goes to the elements of an array.
    pub fn enter_array(&mut self) -> Mark {
        let mark = self.mark();
        self.enter("*");
        self.arrays += 1;
        mark
    }

    pub fn leave(&mut self, mark: Mark) {
        self.path.truncate(mark.length);
        self.depth = mark.depth;
    }

    pub fn leave_array(&mut self, mark: Mark) {
        self.leave(mark);
        self.arrays -= 1;
    }
}

impl Columns {
    /// Of which so many share most of the memory.
    pub fn new(known: usize) -> Self {
        Self {
            columns: Vec::new(),
            places: HashMap::new(),
            budgets: [Budget::new(known), Budget::new(COLUMNS_MAX)],
            known,
            expected: 0,
            rows: 0,
            scratch: String::new(),
            dropped: 0,
            repeated: 0,
            oversized: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn begin_row(&mut self) {
        self.rows += 1;
        self.expected = 0;
    }

    /// An empty text that need not be allocated again, for [`Columns::add_scalar`].
    pub fn scratch(&mut self) -> String {
        std::mem::take(&mut self.scratch)
    }

    pub fn add_scalar(&mut self, way: &Way, mut text: String) {
        if let Some((column, budget)) = self.at(way) {
            column.add(&text, budget);
        }
        text.clear();
        self.scratch = text;
    }

    pub fn add_text(&mut self, way: &Way, text: &str) {
        let end = text.floor_char_boundary(FIELD_BYTES_MAX);
        self.oversized += u64::from(end < text.len());
        if let Some((column, budget)) = self.at(way) {
            column.add_text(&text[..end], budget);
        }
    }

    pub fn add_null(&mut self, way: &Way) {
        if let Some((column, _)) = self.at(way) {
            column.add_nulls(1);
        }
    }

    /// What each comes to. Where a row has no such member, that is null.
    pub fn into_reports(self, top: usize) -> Vec<Profiled> {
        let (rows, top) = (self.rows, top_shown(top, self.columns.len()));
        let report = |mut met: Met| {
            if !met.is_many {
                met.column.add_nulls(rows - met.rows);
            }
            Profiled::from(met.column.into_report(top))
        };
        self.columns.into_iter().map(report).collect()
    }

    fn at(&mut self, way: &Way) -> Option<(&mut Column, &mut Budget)> {
        let is_expected = self.columns.get(self.expected).is_some_and(|met| *met.path == *way.path);
        let place = if is_expected { Some(self.expected) } else { self.places.get(&*way.path).copied() };
        let Some(place) = place.or_else(|| self.meet(way)) else {
            self.dropped += 1;
            return None;
        };
        self.expected = place + 1;
        let met = &mut self.columns[place];
        let is_new = std::mem::replace(&mut met.last_row, self.rows) != self.rows;
        met.rows += u64::from(is_new);
        if !is_new && !met.is_many {
            self.repeated += 1;
            return None;
        }
        Some((&mut met.column, &mut self.budgets[usize::from(place >= self.known)]))
    }

    fn meet(&mut self, way: &Way) -> Option<usize> {
        let place = self.columns.len();
        if place == COLUMNS_MAX || way.path.len() > WAY_BYTES_MAX {
            return None;
        }
        let budget = &self.budgets[usize::from(place >= self.known)];
        let name = if way.path.is_empty() { "*" } else { Shown::new(&way.path).as_str() };
        let column = Column::new(name.to_owned(), Decimal::Point, budget);
        let path: Box<str> = way.path.as_str().into();
        self.columns.push(Met { path: path.clone(), column, is_many: way.arrays > 0, last_row: 0, rows: 0 });
        self.places.insert(path, place);
        Some(place)
    }
}
