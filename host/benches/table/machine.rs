//! What the figures were measured on.

use std::fmt;

use host::time::Clock;
use host::time::SystemClock;

use crate::rounds::real;

/// The machine, and how busy it was before the first measurement.
#[derive(Debug)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory_gib: f64,
    kernel: String,
    load: String,
    date: String,
}

impl Machine {
    /// Looks around.
    pub(crate) fn look() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = after(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            cpu: after(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: real(kib) / 1_048_576.0,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            date: SystemClock.now().to_string().chars().take(10).collect(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} cores, {:.0} GiB, Linux {}, {}; load {} before the first measurement. Medians of rounds taken in \
             turn; clients share the cores. Lines of a server name its durability (`full`: an answer waits for the \
             disk; `process`: for the page cache) and where its data lies.\n",
            self.cpu, self.cores, self.memory_gib, self.kernel, self.date, self.load
        )
    }
}
