//! What an analysis is, and what question a request asks of it. Pure.

pub mod args;
pub mod contract;
pub mod descriptor;
pub mod key;
pub mod module;
pub mod plain;
pub mod result;
pub mod schema;
pub mod signature;
