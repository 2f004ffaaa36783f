//! Every cap a run is held to, with its unit. `tightest` is how caps meet: the operator's always win.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Declares every limit once: what it means, what a run gets by default, the most an operator's server grants unless
/// told otherwise.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:expr, at most $cap:expr;)+) => {
        /// What one run may use. Shown by `GET /limits` and in every run record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Limits {
            /// What a run gets when neither its analysis nor its client asks for anything.
            pub const DEFAULT: Self = Self { $($name: $default,)+ };
            /// The most that an analysis may be granted unless the operator says otherwise.
            pub const CAP: Self = Self { $($name: $cap,)+ };
            /// Nothing of anything.
            const NONE: Self = Self { $($name: 0,)+ };
            /// Every limit's name, and what it bounds.
            pub const MEANINGS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];

            /// Member by member the smaller of the two.
            #[must_use]
            pub fn tightest(self, other: Self) -> Self {
                Self { $($name: self.$name.min(other.$name),)+ }
            }

            /// Member by member the larger of the two.
            #[must_use]
            pub fn widest(self, other: Self) -> Self {
                Self { $($name: self.$name.max(other.$name),)+ }
            }

            /// These limits with every member that `asked` names replaced by what it names.
            #[must_use]
            pub fn with(self, asked: &AskedLimits) -> Self {
                Self { $($name: asked.$name.unwrap_or(self.$name),)+ }
            }
        }

        /// What a descriptor or a request asks for; what it leaves out stays as it is.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct AskedLimits {
            $($(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<u64>,)+
        }
    };
}

limits! {
    /// Fuel given to every run, about one unit per wasm instruction.
    fuel_base = 10_000_000_000, at most 1_000_000_000_000;
    /// Fuel added for every byte of the sample.
    fuel_per_byte = 1_000, at most 100_000;
    /// Linear memory, bytes; all memories of the run together.
    memory_bytes = 256 * MIB, at most GIB;
    /// Elements of all tables together.
    table_elements = 100_000, at most 1_000_000;
    /// Core instances that a component is made of.
    instances = 64, at most 128;
    /// The guest's call stack, bytes.
    stack_bytes = 512 * KIB, at most STACK_BYTES_MAX;
    /// What the host allocates for one call of a component, bytes.
    host_call_bytes = 8 * MIB, at most 64 * MIB;
    /// Handles to resources of the host that a component holds at once.
    handles = 1_000, at most 10_000;
    /// From start to end, milliseconds; the worker is killed after it.
    wall_ms = 300_000, at most 86_400_000;
    /// CPU time of the run's process, milliseconds, to a few tenths of a second; the worker is killed after it. Fuel bounds
    /// what a guest does, but not what the engine does for it where strings cross between parts of a component.
    cpu_ms = 300_000, at most 3_600_000;
    /// What the guest prints on stdout, bytes: also the longest result.
    stdout_bytes = 4 * MIB, at most 16 * MIB;
    /// What is kept of stderr, bytes; the rest is dropped and said so.
    stderr_bytes = 256 * KIB, at most 4 * MIB;
    /// Arrays and objects within each other in the result.
    result_depth = 100, at most RESULT_DEPTH_MAX;
    /// One file below `/out` or `/tmp`, bytes.
    artifact_bytes = 256 * MIB, at most 4 * GIB;
    /// All files below `/out` and `/tmp` together, bytes.
    artifacts_bytes = GIB, at most 8 * GIB;
    /// Files and directories below `/out` and `/tmp`.
    artifacts_count = 128, at most 512;
    /// A path that the guest names, bytes.
    path_bytes = 4_096, at most 4_096;
    /// Names in a path, hence also how deep directories go.
    path_depth = 32, at most 64;
    /// Descriptors that the guest holds open at once.
    descriptors = 64, at most 128;
    /// Random bytes that the guest takes.
    random_bytes = 16 * MIB, at most GIB;
}

/// The deepest stack that an operator can grant, bytes: half of what a thread has by custom.
pub const STACK_BYTES_MAX: u64 = 4 * MIB;
/// The deepest result that an operator can grant: what the JSON reader can take without a stack of its own.
pub const RESULT_DEPTH_MAX: u64 = 120;

/// The shallowest stack that there is, bytes: an engine must have one.
pub const STACK_BYTES_MIN: u64 = 16 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// What every run gets, whoever asks for less: without it there is no engine, and no instance to run.
    pub const FLOOR: Self = Self { instances: 1, stack_bytes: STACK_BYTES_MIN, ..Self::NONE };

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

    /// What a run gets: the analysis' wish over the defaults, the request's wish below that, never over `cap`, nor below
    /// [`Self::FLOOR`], which a `cap` is never below.
    #[must_use]
    pub fn resolve(cap: Self, analysis: &AskedLimits, request: &AskedLimits) -> Self {
        let granted = Self::DEFAULT.with(analysis).tightest(cap);
        granted.with(request).tightest(granted).widest(Self::FLOOR)
    }

    /// Fuel for a sample of that size.
    #[must_use]
    pub fn fuel(&self, sample_bytes: u64) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_byte.saturating_mul(sample_bytes))
    }
}

/// What a module may cost before it is a program. The operator's word alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompileLimits {
    /// Size of the module, what ships with it included, bytes.
    pub module_bytes: u64,
    /// CPU time of one attempt, seconds.
    pub cpu_s: u64,
    /// Wall time of one attempt, milliseconds.
    pub wall_ms: u64,
    /// Address space of the compiling process, bytes.
    pub memory_bytes: u64,
    /// What comes of it, bytes.
    pub program_bytes: u64,
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
    /// Tables of a core module, and of a component for each of its memories.
    pub tables: u32,
    /// Memories of a component; a core module has one.
    pub memories: u32,
    /// Core instances of a component.
    pub instances: u32,
}

impl CompileLimits {
    /// Wide enough for a language interpreter, narrow enough for a stranger.
    pub const DEFAULT: Self = Self {
        module_bytes: 64 * MIB,
        cpu_s: 60,
        wall_ms: 120_000,
        memory_bytes: 2 * GIB,
        program_bytes: 256 * MIB,
        functions: 100_000,
        function_bytes: MIB,
        globals: 10_000,
        segments: 50_000,
        memory_initial_bytes: Limits::CAP.memory_bytes,
        table_elements_initial: Limits::CAP.table_elements,
        tables: 4,
        memories: 4,
        instances: 128,
    };
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Args in canonical form, bytes. They travel to the worker in one datagram.
pub const ARGS_BYTES_MAX: usize = 64 * 1024;
/// Names and values of a descriptor's environment together, bytes; in the same datagram.
pub const ENV_BYTES_MAX: usize = 8 * 1024;
/// The words of a command line together, bytes; in the same datagram.
pub const ARGV_BYTES_MAX: usize = 32 * 1024;
/// Words of a command line: even empty ones are carried to the guest one by one.
pub const ARGV_WORDS_MAX: usize = 1_000;

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
    fn nobody_gets_less_than_a_run_needs_to_begin() {
        let asked = AskedLimits { instances: Some(0), stack_bytes: Some(0), ..AskedLimits::default() };
        let none = AskedLimits::default();
        for (analysis, request) in [(&asked, &none), (&none, &asked)] {
            let limits = Limits::resolve(Limits::CAP, analysis, request);
            assert_eq!((limits.instances, limits.stack_bytes), (1, STACK_BYTES_MIN));
        }
    }

    #[test]
    fn fuel_grows_with_the_sample_and_never_wraps() {
        assert_eq!(Limits::DEFAULT.fuel(0), Limits::DEFAULT.fuel_base);
        assert_eq!(Limits::DEFAULT.fuel(10), Limits::DEFAULT.fuel_base + 10_000);
        assert_eq!(Limits::CAP.fuel(u64::MAX), u64::MAX);
    }
}
