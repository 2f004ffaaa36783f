//! How wasmtime is set up. Every knob that matters is set here, whatever its default is or becomes.

use wasmtime::Config;
use wasmtime::Enabled;
pub use wasmtime::Engine;
use wasmtime::InstanceAllocationStrategy;
use wasmtime::OptLevel;
use wasmtime::PoolingAllocationConfig;
use wasmtime::RegallocAlgorithm;

pub use wasmtime::Result;

use crate::analysis::module::Effort;
use crate::analysis::module::ModuleKind;
use crate::analysis::module::Nan;
use crate::limits::CompileLimits;
use crate::limits::Limits;

/// Address space that a linear memory stands in, so that no access needs a check; bytes.
const MEMORY_RESERVED_BYTES: u64 = 4 << 30;
const MEMORY_GUARD_BYTES: u64 = 32 << 20;

/// Calls of a guest that may wait at once, each on a stack of its own.
pub(super) const WAITING_MAX: u32 = 16;

/// Memories that a worker has slots for; a component may have more than one.
fn memories(kind: ModuleKind) -> u32 {
    match kind {
        ModuleKind::Command => 1,
        ModuleKind::CommandComponent | ModuleKind::AsyncCommandComponent | ModuleKind::Typed => {
            CompileLimits::DEFAULT.memories
        }
    }
}

/// Stacks that a worker has, besides that of its thread.
fn stacks(kind: ModuleKind) -> u32 {
    match kind {
        ModuleKind::Command | ModuleKind::CommandComponent | ModuleKind::Typed => 0,
        ModuleKind::AsyncCommandComponent => WAITING_MAX,
    }
}

/// The stack of a guest, and what the host may use of it above.
fn stack_bytes(caps: &Limits) -> u64 {
    caps.stack_bytes.saturating_add(1 << 20)
}

/// Memory that the engine of such a worker sets aside for stacks, bytes.
#[must_use]
pub fn stacks_bytes(caps: &Limits, kind: ModuleKind) -> u64 {
    // Each has a guard below, and is rounded up to whole pages.
    u64::from(stacks(kind)) * stack_bytes(caps).saturating_add(128 << 10)
}

/// Address space that the engine of such a worker sets aside and does not use, bytes; a guard lies on either
/// side of every slot, and code and threads of the process want some besides.
#[must_use]
pub fn reserved_bytes(kind: ModuleKind) -> u64 {
    u64::from(memories(kind)) * (MEMORY_RESERVED_BYTES + 2 * MEMORY_GUARD_BYTES) + (2 << 30)
}

/// An engine that compiles and runs nothing.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn compiling(effort: Effort, nan: Nan, kind: ModuleKind) -> wasmtime::Result<Engine> {
    let mut config = compiler_settings(effort);
    config.cranelift_nan_canonicalization(nan == Nan::Canonical);
    fit(&mut config, kind);
    Engine::new(&config)
}

/// What a module of that kind needs and others do without.
fn fit(config: &mut Config, kind: ModuleKind) {
    let waits = kind == ModuleKind::AsyncCommandComponent;
    config.memory_init_cow(maps_images(kind)).wasm_multi_memory(has_adapters(kind));
    config.concurrency_support(waits).wasm_component_model_async(waits);
}

/// Whether the first content of a memory is mapped out of the program's file. A component is loaded from bytes, of
/// which the engine would have to make a file, with a call that no worker may make: its memories are filled by copying.
fn maps_images(kind: ModuleKind) -> bool {
    kind == ModuleKind::Command
}

/// Whether the engine writes code of its own between the parts of a guest: it copies from the memory of one to that of
/// another, and panics where a module may not see two. A guest's own modules may not; admission counts.
fn has_adapters(kind: ModuleKind) -> bool {
    kind != ModuleKind::Command
}

/// What [`compiling`] is set to; benchmarks take one thing out of it at a time.
#[must_use]
pub fn compiler_settings(effort: Effort) -> Config {
    let mut config = base();
    config.max_wasm_stack(512 << 10);
    match effort {
        Effort::Full => config.cranelift_opt_level(OptLevel::Speed),
        Effort::Least => {
            config.cranelift_opt_level(OptLevel::None).cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        }
    };
    config
}

/// An engine for one guest at a time, with one slot for it: a fresh memory costs a page-table scan, no mmap.
///
/// # Errors
/// When wasmtime does not support this machine.
pub fn running(caps: &Limits, kind: ModuleKind) -> wasmtime::Result<Engine> {
    let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let instances = u32::try_from(caps.instances).unwrap_or(u32::MAX);
    let (memories, tables) = (memories(kind), memories(kind) * CompileLimits::DEFAULT.tables);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(instances)
        .total_memories(memories)
        .total_tables(tables)
        .total_stacks(stacks(kind))
        .total_gc_heaps(0)
        .total_component_instances(1)
        .max_component_instance_size(4 << 20)
        .max_core_instances_per_component(instances)
        .max_memories_per_component(memories)
        .max_tables_per_component(tables)
        .max_tables_per_module(CompileLimits::DEFAULT.tables)
        .max_memories_per_module(1)
        .max_core_instance_size(4 << 20)
        .max_memory_size(size(caps.memory_bytes))
        .table_elements(size(caps.table_elements))
        .max_unused_warm_slots(1)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = base();
    config.enable_compiler(false);
    fit(&mut config, kind);
    // The engine insists that such a stack would do, also where nothing waits.
    config.max_wasm_stack(size(caps.stack_bytes)).async_stack_size(size(stack_bytes(caps)));
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
    compiling(Effort::Full, Nan::Native, ModuleKind::Command)?.precompile_compatibility_hash().hash(&mut sink);
    let digest: [u8; 32] = sink.0.finalize().into();
    let short = crate::id::Sha256::new(digest).to_string();
    Ok(format!("wasmtime-48-{}-{}", std::env::consts::ARCH, &short[..16]))
}

fn base() -> Config {
    let mut config = Config::new();
    config
        // Fuel is the limit on work. There are no epochs: the limit on time is the worker's death.
        .consume_fuel(true)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_reservation(MEMORY_RESERVED_BYTES)
        .memory_guard_size(MEMORY_GUARD_BYTES)
        .relaxed_simd_deterministic(true)
        // What nobody needs is not there to be attacked.
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_gc(false)
        // References of the host's, which it hands out none of. They would lie in a heap that no worker has.
        .gc_support(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .wasm_component_model(true)
        // The async ABI, and WASI 0.3 with it, which the engine has on by itself; see `fit`.
        .concurrency_support(false)
        .wasm_component_model_async(false)
        .wasm_component_model_more_async_builtins(false)
        .wasm_component_model_async_stackful(false)
        .wasm_component_model_threading(false)
        .wasm_component_model_error_context(false);
    config
}
