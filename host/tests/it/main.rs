//! One integration binary: it starts the real server on port 0 and speaks HTTP to it.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod abuse;
mod authors;
mod backup;
mod components;
mod configured;
mod connections;
mod cors;
mod determinism;
mod events;
mod flows;
mod fuzzed;
mod hostile;
mod hostile_files;
mod installs;
mod interleavings;
mod kills;
mod layering;
mod limits;
mod lists;
mod manual;
mod memory;
mod metrics;
mod monitoring;
mod notify;
mod oci;
mod openapi;
mod packages;
mod pages;
mod power;
mod quotas;
mod regression;
mod resumable;
mod retention;
mod selftest;
mod server;
mod shipped;
mod surface;
mod tls;
mod tokens;
mod top;
mod traces;
mod trials;
mod trust;
mod upgrade;
mod uploads;
mod versions;
#[cfg(target_os = "linux")]
mod walls;
mod wasi_03;
mod web;
mod workers;
