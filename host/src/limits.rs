//! Every cap a run is held to, with its unit. `tightest` is how caps meet: the operator's always win.

use serde::Deserialize;
use serde::Serialize;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What one run may use. Shown by `GET /limits` and in every run record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fuel given to every run, about one unit per wasm instruction.
    pub fuel_base: u64,
    /// Fuel added for every byte of the sample.
    pub fuel_per_byte: u64,
    /// Linear memory, bytes.
    pub memory_bytes: u64,
    /// Elements of a table.
    pub table_elements: u64,
    /// From start to end, milliseconds; the worker is killed after it.
    pub wall_ms: u64,
    /// What the guest prints on stdout, bytes.
    pub stdout_bytes: u64,
    /// What is kept of stderr, bytes; the rest is dropped and said so.
    pub stderr_bytes: u64,
    /// One file below `/out` or `/tmp`, bytes.
    pub artifact_bytes: u64,
    /// All files below `/out` and `/tmp` together, bytes.
    pub artifacts_bytes: u64,
    /// Files and directories below `/out` and `/tmp`.
    pub artifacts_count: u64,
    /// Descriptors that the guest holds open at once.
    pub descriptors: u64,
}

impl Limits {
    /// What a run gets when neither its analysis nor its client asks for anything.
    pub const DEFAULT: Self = Self {
        fuel_base: 10_000_000_000,
        fuel_per_byte: 1_000,
        memory_bytes: 256 * MIB,
        table_elements: 100_000,
        wall_ms: 300_000,
        stdout_bytes: 4 * MIB,
        stderr_bytes: 256 * KIB,
        artifact_bytes: 256 * MIB,
        artifacts_bytes: GIB,
        artifacts_count: 128,
        descriptors: 64,
    };

    /// The most that an analysis may be granted unless the operator says otherwise.
    pub const CAP: Self = Self {
        fuel_base: 1_000_000_000_000,
        fuel_per_byte: 100_000,
        memory_bytes: GIB,
        table_elements: 1_000_000,
        wall_ms: 86_400_000,
        stdout_bytes: 16 * MIB,
        stderr_bytes: 4 * MIB,
        artifact_bytes: 4 * GIB,
        artifacts_bytes: 8 * GIB,
        artifacts_count: 512,
        descriptors: 128,
    };

    /// Member by member the smaller of the two.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        Self {
            fuel_base: self.fuel_base.min(other.fuel_base),
            fuel_per_byte: self.fuel_per_byte.min(other.fuel_per_byte),
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            table_elements: self.table_elements.min(other.table_elements),
            wall_ms: self.wall_ms.min(other.wall_ms),
            stdout_bytes: self.stdout_bytes.min(other.stdout_bytes),
            stderr_bytes: self.stderr_bytes.min(other.stderr_bytes),
            artifact_bytes: self.artifact_bytes.min(other.artifact_bytes),
            artifacts_bytes: self.artifacts_bytes.min(other.artifacts_bytes),
            artifacts_count: self.artifacts_count.min(other.artifacts_count),
            descriptors: self.descriptors.min(other.descriptors),
        }
    }

    /// Files that may be made in a run, removed ones included: each costs the host a message.
    #[must_use]
    pub fn files_made_max(&self) -> u64 {
        4 * (self.artifacts_count + 1)
    }

    /// Whether nothing of `other` is larger.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.tightest(other) == other
    }

    /// These limits with every member that `asked` names replaced by what it names.
    #[must_use]
    pub fn with(self, asked: &AskedLimits) -> Self {
        Self {
            fuel_base: asked.fuel_base.unwrap_or(self.fuel_base),
            fuel_per_byte: asked.fuel_per_byte.unwrap_or(self.fuel_per_byte),
            memory_bytes: asked.memory_bytes.unwrap_or(self.memory_bytes),
            table_elements: asked.table_elements.unwrap_or(self.table_elements),
            wall_ms: asked.wall_ms.unwrap_or(self.wall_ms),
            stdout_bytes: asked.stdout_bytes.unwrap_or(self.stdout_bytes),
            stderr_bytes: asked.stderr_bytes.unwrap_or(self.stderr_bytes),
            artifact_bytes: asked.artifact_bytes.unwrap_or(self.artifact_bytes),
            artifacts_bytes: asked.artifacts_bytes.unwrap_or(self.artifacts_bytes),
            artifacts_count: asked.artifacts_count.unwrap_or(self.artifacts_count),
            descriptors: asked.descriptors.unwrap_or(self.descriptors),
        }
    }

    /// What a run gets: the analysis' wish over the defaults, the request's wish below that, never over `cap`.
    #[must_use]
    pub fn resolve(cap: Self, analysis: &AskedLimits, request: &AskedLimits) -> Self {
        let granted = Self::DEFAULT.with(analysis).tightest(cap);
        granted.with(request).tightest(granted)
    }

    /// Fuel for a sample of that size.
    #[must_use]
    pub fn fuel(&self, sample_bytes: u64) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_byte.saturating_mul(sample_bytes))
    }
}

/// What a descriptor or a request asks for; what it leaves out stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskedLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_base: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_per_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_elements: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u64>,
}

/// What a module may cost before it is a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileLimits {
    /// Size of the module, bytes.
    pub module_bytes: u64,
    /// CPU time of one attempt, seconds.
    pub cpu_s: u64,
    /// Wall time of one attempt, milliseconds.
    pub wall_ms: u64,
    /// Address space of the compiling process, bytes.
    pub memory_bytes: u64,
    /// Functions in the module.
    pub functions: u32,
    /// One function's body, bytes.
    pub function_bytes: u64,
    /// Globals in the module.
    pub globals: u32,
    /// Data and element segments in the module.
    pub segments: u32,
    /// Linear memory that the module may start with, bytes.
    pub memory_initial_bytes: u64,
    /// Elements that a table of the module may start with.
    pub table_elements_initial: u64,
}

impl CompileLimits {
    /// Wide enough for a language interpreter, narrow enough for a stranger.
    pub const DEFAULT: Self = Self {
        module_bytes: 64 * MIB,
        cpu_s: 60,
        wall_ms: 120_000,
        memory_bytes: 2 * GIB,
        functions: 100_000,
        function_bytes: MIB,
        globals: 10_000,
        segments: 20_000,
        memory_initial_bytes: Limits::CAP.memory_bytes,
        table_elements_initial: Limits::CAP.table_elements,
    };
}

/// Args in canonical form, bytes. They travel to the worker in one datagram.
pub const ARGS_BYTES_MAX: usize = 64 * 1024;
/// The words of a command line together, bytes; in the same datagram.
pub const ARGV_BYTES_MAX: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_may_ask_for_more_than_the_default_but_not_than_the_cap() {
        let asked = |wall_ms| AskedLimits { wall_ms: Some(wall_ms), ..AskedLimits::default() };
        let none = AskedLimits::default();
        assert_eq!(Limits::resolve(Limits::CAP, &none, &none), Limits::DEFAULT);
        assert_eq!(Limits::resolve(Limits::CAP, &asked(400_000), &none).wall_ms, 400_000);
        assert_eq!(Limits::resolve(Limits::CAP, &asked(u64::MAX), &none).wall_ms, Limits::CAP.wall_ms);
    }

    #[test]
    fn a_request_may_only_ask_for_less() {
        let asked = |wall_ms| AskedLimits { wall_ms: Some(wall_ms), ..AskedLimits::default() };
        let none = AskedLimits::default();
        assert_eq!(Limits::resolve(Limits::CAP, &none, &asked(5)).wall_ms, 5);
        assert_eq!(Limits::resolve(Limits::CAP, &none, &asked(400_000)).wall_ms, Limits::DEFAULT.wall_ms);
    }

    #[test]
    fn fuel_grows_with_the_sample_and_never_wraps() {
        assert_eq!(Limits::DEFAULT.fuel(0), Limits::DEFAULT.fuel_base);
        assert_eq!(Limits::DEFAULT.fuel(10), Limits::DEFAULT.fuel_base + 10_000);
        assert_eq!(Limits::CAP.fuel(u64::MAX), u64::MAX);
    }
}
