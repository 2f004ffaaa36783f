//! What an MP4 or MOV file holds, how many bits it takes second by second, and a slideshow of its keyframes.
//!
//! ```text
//! file ── boxes ─┬─ moov ── track, stsd, edits, tables ─┐
//!                └─ moof ── fragments ──────────────────┴─ runs ── tally ─┬─ report
//!                                                                         └─ preview ── mux
//! ```
//!
//! The file comes from strangers. Absent on purpose: recursion, a loop over a count that has no bytes behind it, an
//! allocation as large as a number in the file says, arithmetic on such a number that can overflow.

mod avc;
mod boxes;
mod edits;
pub mod fault;
pub mod fields;
mod fragments;
pub mod movie;
mod mux;
pub mod preview;
pub mod report;
mod stsd;
mod tables;
mod tally;
mod track;

#[cfg(test)]
mod build;
#[cfg(test)]
mod tests;
