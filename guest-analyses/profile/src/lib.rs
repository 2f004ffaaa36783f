//! What the columns of a table hold: type, counts, extremes, quantiles, frequent values, in one pass and constant memory.
//!
//! `column` is one of them, made of `kind` (with `time`), `values`, `sketch`, `quantiles`, `moments` and `extremes`, within
//! a `budget` that all share. `delimited` feeds columns from a delimited text: `encoding` → `records` → `column`, after
//! `sniff` and `layout` looked at the beginning; `report` is what that comes to.

pub mod budget;
pub mod column;
pub mod delimited;
pub mod encoding;
mod extremes;
pub mod kind;
pub mod layout;
mod moments;
mod quantiles;
pub mod records;
pub mod report;
mod sketch;
pub mod sniff;
pub mod text;
mod time;
mod values;
