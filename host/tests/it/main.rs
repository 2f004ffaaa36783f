//! One integration binary: it starts the real server on port 0 and speaks HTTP to it.

mod flows;
mod hostile;
mod layering;
mod server;
