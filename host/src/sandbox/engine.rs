//! How wasmtime is set up. Every knob that matters is set here, whatever its default is or becomes.

use wasmtime::Config;
use wasmtime::Enabled;
use wasmtime::Engine;
use wasmtime::InstanceAllocationStrategy;
use wasmtime::OptLevel;
use wasmtime::PoolingAllocationConfig;
use wasmtime::RegallocAlgorithm;

/// Deepest stack of a guest, bytes.
const STACK_BYTES_MAX: usize = 512 * 1024;

/// How much effort the compiler spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Effort {
    /// The default.
    Full,
    /// For modules that are too dear otherwise: no optimisation, single-pass register allocation.
    Least,
}

/// An engine that compiles and runs nothing.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn compiling(effort: Effort) -> wasmtime::Result<Engine> {
    Engine::new(&compiler_settings(effort))
}

/// What [`compiling`] is set to; benchmarks take one thing out of it at a time.
#[must_use]
pub fn compiler_settings(effort: Effort) -> Config {
    let mut config = base();
    match effort {
        Effort::Full => config.cranelift_opt_level(OptLevel::Speed),
        Effort::Least => {
            config.cranelift_opt_level(OptLevel::None).cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        }
    };
    config
}

/// An engine for one guest at a time, with one slot of everything: a fresh memory costs a page-table scan, no mmap.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn running(memory_bytes_max: u64, table_elements_max: u64) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1)
        .total_memories(1)
        .total_tables(4)
        .total_stacks(0)
        .total_gc_heaps(0)
        .total_component_instances(0)
        .max_tables_per_module(4)
        .max_memories_per_module(1)
        .max_core_instance_size(4 << 20)
        .max_memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(table_elements_max).unwrap_or(usize::MAX))
        .max_unused_warm_slots(1)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = base();
    config.enable_compiler(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Names everything a compiled program depends on: engine version, settings, architecture.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn fingerprint() -> wasmtime::Result<String> {
    use sha2::Digest;
    use std::hash::Hash;

    struct Sink(sha2::Sha256);
    impl std::hash::Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0 // Never asked for: the digest is taken instead.
        }
    }
    let mut sink = Sink(sha2::Sha256::new());
    compiling(Effort::Full)?.precompile_compatibility_hash().hash(&mut sink);
    let digest: [u8; 32] = sink.0.finalize().into();
    let short = crate::id::Sha256::new(digest).to_string();
    Ok(format!("wasmtime-48-{}-{}", std::env::consts::ARCH, &short[..16]))
}

fn base() -> Config {
    let mut config = Config::new();
    config
        // Fuel is the limit on work. There are no epochs: the limit on time is the worker's death.
        .consume_fuel(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_init_cow(true)
        .relaxed_simd_deterministic(true)
        // What nobody needs is not there to be attacked.
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .wasm_component_model(false);
    config
}
