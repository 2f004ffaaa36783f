//! Random modules within what Belljar admits, for `tests/it/smith.rs`: `host-smith FIRST COUNT DIRECTORY` writes
//! `DIRECTORY/smith-<seed>.wasm` for every seed from FIRST on. The same seed gives the same module.

use std::path::Path;
use std::process::ExitCode;

use arbitrary::Unstructured;
use wasm_encoder::CodeSection;
use wasm_encoder::EntityType;
use wasm_encoder::ExportKind;
use wasm_encoder::ExportSection;
use wasm_encoder::Function;
use wasm_encoder::FunctionSection;
use wasm_encoder::ImportSection;
use wasm_encoder::Instruction;
use wasm_encoder::MemorySection;
use wasm_encoder::MemoryType;
use wasm_encoder::TypeSection;
use wasm_encoder::ValType;
use wasm_smith::Config;
use wasm_smith::Module;

/// Words of randomness that a module is made of; the more, the larger the module.
const WORDS_MIN: u64 = 64;
const WORDS_MAX: u64 = 1024;
/// Of so many seeds, one may have nonsense for functions, and two references, which are refused but for functions.
const REFUSED_EVERY: u64 = 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments.iter().take(2).filter_map(|it| it.parse().ok()).collect();
    let ([first, count], Some(directory)) = (&numbers[..], arguments.get(2)) else {
        eprintln!("host-smith FIRST COUNT DIRECTORY");
        return ExitCode::FAILURE;
    };
    let shape = shape();
    for seed in *first..first.saturating_add(*count) {
        let path = Path::new(directory).join(format!("smith-{seed}.wasm"));
        std::fs::write(path, module(seed, &shape)).expect("the directory can be written");
    }
    ExitCode::SUCCESS
}

fn module(seed: u64, shape: &[u8]) -> Vec<u8> {
    let mut random = Random(seed);
    // Some bytes lead nowhere; then it is the next ones.
    loop {
        let words = WORDS_MIN + random.next() % (WORDS_MAX - WORDS_MIN);
        let bytes: Vec<u8> = (0..words).flat_map(|_| random.next().to_le_bytes()).collect();
        let config = Config {
            allow_invalid_funcs: seed % REFUSED_EVERY == 0,
            reference_types_enabled: seed % REFUSED_EVERY < 2,
            ..profile(shape)
        };
        if let Ok(module) = Module::new(config, &mut Unstructured::new(&bytes)) {
            return module.to_bytes();
        }
    }
}

/// A module that imports all that there is, and exports what a command does.
fn shape() -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for (number, (name, params, results)) in (0..).zip(WASI) {
        let values = |letters: &str| letters.bytes().map(value).collect::<Vec<_>>();
        types.ty().function(values(params), values(results));
        imports.import("wasi_snapshot_preview1", name, EntityType::Function(number));
    }
    let start = imports.len();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(start);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("_start", ExportKind::Func, start);
    let mut code = CodeSection::new();
    code.function(Function::new([]).instruction(&Instruction::End));
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

fn value(letter: u8) -> ValType {
    if letter == b'l' { ValType::I64 } else { ValType::I32 }
}

/// Names of WASI 0.1, with parameters and results: `i` for 32 bits, `l` for 64.
const WASI: [(&str, &str, &str); 46] = [
    ("args_get", "ii", "i"),
    ("args_sizes_get", "ii", "i"),
    ("clock_res_get", "ii", "i"),
    ("clock_time_get", "ili", "i"),
    ("environ_get", "ii", "i"),
    ("environ_sizes_get", "ii", "i"),
    ("fd_advise", "illi", "i"),
    ("fd_allocate", "ill", "i"),
    ("fd_close", "i", "i"),
    ("fd_datasync", "i", "i"),
    ("fd_fdstat_get", "ii", "i"),
    ("fd_fdstat_set_flags", "ii", "i"),
    ("fd_fdstat_set_rights", "ill", "i"),
    ("fd_filestat_get", "ii", "i"),
    ("fd_filestat_set_size", "il", "i"),
    ("fd_filestat_set_times", "illi", "i"),
    ("fd_pread", "iiili", "i"),
    ("fd_prestat_dir_name", "iii", "i"),
    ("fd_prestat_get", "ii", "i"),
    ("fd_pwrite", "iiili", "i"),
    ("fd_read", "iiii", "i"),
    ("fd_readdir", "iiili", "i"),
    ("fd_renumber", "ii", "i"),
    ("fd_seek", "ilii", "i"),
    ("fd_sync", "i", "i"),
    ("fd_tell", "ii", "i"),
    ("fd_write", "iiii", "i"),
    ("path_create_directory", "iii", "i"),
    ("path_filestat_get", "iiiii", "i"),
    ("path_filestat_set_times", "iiiilli", "i"),
    ("path_link", "iiiiiii", "i"),
    ("path_open", "iiiiillii", "i"),
    ("path_readlink", "iiiiii", "i"),
    ("path_remove_directory", "iii", "i"),
    ("path_rename", "iiiiii", "i"),
    ("path_symlink", "iiiii", "i"),
    ("path_unlink_file", "iii", "i"),
    ("poll_oneoff", "iiii", "i"),
    ("proc_exit", "i", ""),
    ("proc_raise", "i", "i"),
    ("random_get", "ii", "i"),
    ("sched_yield", "", "i"),
    ("sock_accept", "iii", "i"),
    ("sock_recv", "iiiiii", "i"),
    ("sock_send", "iiiii", "i"),
    ("sock_shutdown", "ii", "i"),
];

/// As `host/src/sandbox/engine.rs` and admission have it.
fn profile(shape: &[u8]) -> Config {
    Config {
        available_imports: Some(shape.to_vec()),
        exports: Some(shape.to_vec()),
        exceptions_enabled: false,
        gc_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        memory64_enabled: false,
        threads_enabled: false,
        shared_everything_threads_enabled: false,
        wide_arithmetic_enabled: false,
        generate_custom_sections: true,
        min_imports: 4,
        min_funcs: 2,
        max_funcs: 20,
        // Besides the one that it exports.
        max_memories: 0,
        max_memory32_bytes: 256 << 20,
        max_tables: 4,
        max_table_elements: 100_000,
        ..Config::default()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough to be different from seed to seed, and the same for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
