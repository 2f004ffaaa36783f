//! What the limit on work costs: five kernels with fuel, as the server compiles them, beside the same module by the same
//! compiler without. Both run here, unconfined, over the same few stand-ins for WASI, so that nothing else differs.
//!
//! CPU time, in many short turns: a busy neighbour slows one and the same code to half its speed for seconds, and a few
//! long turns let that pass for the cost of fuel. The compiler lays out the two differently, so a ratio below one is
//! possible; why a kernel has one is not explained here. The median hides the dearest, which has a line of its own.

use anyhow::ensure;
use host::analysis::module::Effort;
use host::analysis::module::ModuleKind;
use host::analysis::module::Nan;
use host::sandbox::engine;
use wasmtime::Caller;
use wasmtime::Engine;
use wasmtime::InstancePre;
use wasmtime::Linker;
use wasmtime::Module;
use wasmtime::Store;

use crate::Bench;
use crate::files;
use crate::line::Line;
use crate::line::Target;
use crate::line::Unit;
use crate::rounds;
use crate::rounds::median;
use crate::rounds::real;

/// Each kernel and how often it repeats itself to run for about 0.1 s.
const KERNELS: [(&str, usize); 5] = [("sha256", 20), ("entropy", 80), ("json", 60), ("csv", 150), ("sort", 20)];
const WASI: &str = "wasi_snapshot_preview1";
/// More than any kernel uses here.
const FUEL: u64 = u64::MAX / 2;
const BADF: i32 = 8;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let module = files::kernels()?;
    let (fueled, free) =
        (engine::compiling(Effort::Full, Nan::Native, ModuleKind::Command).map_err(told)?, unlimited()?);
    let fueled = Kernels::load(&fueled, &module, Some(FUEL)).map_err(told)?;
    let free = Kernels::load(&free, &module, None).map_err(told)?;
    let (mut lines, mut ratios) = (Vec::new(), Vec::new());
    for (kernel, times) in KERNELS {
        let (with, without) = (fueled.run(kernel, times)?, free.run(kernel, times)?);
        ensure!(with.printed == without.printed, "{kernel} gives one answer with fuel and another without");
        let [with, without] = rounds::in_turn(
            bench.pick(11, 31),
            [&mut || Ok(fueled.run(kernel, times)?.seconds), &mut || Ok(free.run(kernel, times)?.seconds)],
        )?;
        let what = format!("CPU of a guest that computes: {kernel}");
        lines.push(Line::beside(what, Unit::Seconds, (with, ("without fuel", without)), Target::None));
        ratios.push(with / without);
    }
    let dearest = ratios.iter().copied().fold(0.0, f64::max);
    let what = "CPU with fuel over CPU without";
    let line = |which, ratio, target| Line::alone(format!("{what}, {which}"), Unit::Ratio, ratio, target);
    lines.push(line("median of the five", median(ratios), Target::AtMost(1.35)));
    lines.push(line("dearest of the five", dearest, Target::None));
    Ok(lines)
}

/// The module of kernels, compiled and linked.
struct Kernels {
    instance: InstancePre<Guest>,
    fuel: Option<u64>,
}

/// What a kernel is told and says.
struct Guest {
    arguments: [String; 3],
    printed: Vec<u8>,
}

struct Ran {
    printed: Vec<u8>,
    seconds: f64,
}

impl Kernels {
    fn load(engine: &Engine, module: &[u8], fuel: Option<u64>) -> wasmtime::Result<Self> {
        let module = Module::new(engine, module)?;
        let mut linker = Linker::new(engine);
        link(&mut linker)?;
        linker.define_unknown_imports_as_traps(&module)?;
        Ok(Self { instance: linker.instantiate_pre(&module)?, fuel })
    }

    fn run(&self, kernel: &str, times: usize) -> anyhow::Result<Ran> {
        let arguments = ["kernels".to_owned(), kernel.to_owned(), times.to_string()];
        let mut store = Store::new(self.instance.module().engine(), Guest { arguments, printed: Vec::new() });
        let called = self.fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel)).and_then(|()| {
            let instance = self.instance.instantiate(&mut store)?;
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            let began = on_cpu();
            start.call(&mut store, ())?;
            Ok(on_cpu() - began)
        });
        let seconds = called.map_err(told)?;
        let printed = store.into_data().printed;
        ensure!(!printed.is_empty(), "{kernel} printed nothing");
        Ok(Ran { printed, seconds })
    }
}

/// The server's settings with nothing but the fuel taken out.
fn unlimited() -> anyhow::Result<Engine> {
    let mut config = engine::compiler_settings(Effort::Full);
    config.consume_fuel(false);
    Engine::new(&config).map_err(told)
}

/// What the kernels need of WASI; the rest of what they import ends them.
fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "args_sizes_get", |mut caller: Caller<'_, Guest>, count: u32, bytes: u32| {
        let (memory, guest) = memory(&mut caller)?;
        let length: usize = guest.arguments.iter().map(|it| it.len() + 1).sum();
        put(memory, count, &u32::try_from(guest.arguments.len())?.to_le_bytes())?;
        put(memory, bytes, &u32::try_from(length)?.to_le_bytes())?;
        wasmtime::Result::Ok(0)
    })?;
    linker.func_wrap(WASI, "args_get", |mut caller: Caller<'_, Guest>, mut starts: u32, mut bytes: u32| {
        let (memory, guest) = memory(&mut caller)?;
        for argument in &guest.arguments {
            put(memory, starts, &bytes.to_le_bytes())?;
            put(memory, bytes, &[argument.as_bytes(), b"\0"].concat())?;
            (starts, bytes) = (starts + 4, bytes + u32::try_from(argument.len())? + 1);
        }
        wasmtime::Result::Ok(0)
    })?;
    linker.func_wrap(WASI, "environ_sizes_get", |mut caller: Caller<'_, Guest>, count: u32, bytes: u32| {
        let (memory, _) = memory(&mut caller)?;
        put(memory, count, &[0; 4])?;
        put(memory, bytes, &[0; 4])?;
        wasmtime::Result::Ok(0)
    })?;
    linker.func_wrap(WASI, "environ_get", |_: u32, _: u32| 0)?;
    linker.func_wrap(WASI, "fd_prestat_get", |_: u32, _: u32| BADF)?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut caller: Caller<'_, Guest>, _: u32, parts: u32, count: u32, written: u32| {
            let (memory, guest) = memory(&mut caller)?;
            let before = guest.printed.len();
            for part in (0..count).map(|number| parts + 8 * number) {
                let (at, length) = (word(memory, part)?, word(memory, part + 4)?);
                guest.printed.extend_from_slice(window(memory, at, length)?);
            }
            put(memory, written, &u32::try_from(guest.printed.len() - before)?.to_le_bytes())?;
            wasmtime::Result::Ok(0)
        },
    )?;
    Ok(())
}

fn memory<'a>(caller: &'a mut Caller<'_, Guest>) -> wasmtime::Result<(&'a mut [u8], &'a mut Guest)> {
    let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory);
    let memory = memory.ok_or_else(|| wasmtime::Error::msg("no memory"))?;
    Ok(memory.data_and_store_mut(caller))
}

fn window(memory: &mut [u8], at: u32, length: u32) -> wasmtime::Result<&mut [u8]> {
    let (at, length) = (usize::try_from(at)?, usize::try_from(length)?);
    memory.get_mut(at..at + length).ok_or_else(|| wasmtime::Error::msg("outside of memory"))
}

fn word(memory: &mut [u8], at: u32) -> wasmtime::Result<u32> {
    let mut word = [0; 4];
    word.copy_from_slice(window(memory, at, 4)?);
    Ok(u32::from_le_bytes(word))
}

fn put(memory: &mut [u8], at: u32, bytes: &[u8]) -> wasmtime::Result<()> {
    window(memory, at, u32::try_from(bytes.len())?)?.copy_from_slice(bytes);
    Ok(())
}

/// CPU seconds of this thread so far.
fn on_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    real(time.tv_sec) + real(time.tv_nsec) / 1e9
}

/// wasmtime's errors are not the standard library's.
#[expect(clippy::needless_pass_by_value, reason = "what map_err wants")]
fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
