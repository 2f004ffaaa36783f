//! The scheduler against a small model of what it may do: sequences that are made up and shrunk, and a long simulation.

mod joins;
mod sequences;
mod simulation;
mod world;
