//! A guest that makes a list of system calls, written as WebAssembly.

use std::fmt::Write;

/// An argument of a call.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Number(i64),
    /// The address of these bytes.
    Bytes(Vec<u8>),
    /// The address of these 64-bit words, each of which may be an address itself.
    Words(Vec<Arg>),
    /// What an earlier call gave, counted from 0.
    Answer(usize),
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Arg {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Bytes([text.as_bytes(), b"\0"].concat())
    }
}

/// Where answers lie in the guest's memory; data comes after them.
const ANSWERS: usize = 1024;
const DATA: usize = 64 * 1024;

/// The calls, in order.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    code: String,
    data: Vec<u8>,
    calls: usize,
    before: &'static str,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { code: String::new(), data: Vec::new(), calls: 0, before: "" }
    }

    /// One call alone.
    pub(crate) fn once(number: i64, arguments: impl IntoIterator<Item = Arg>) -> Self {
        Self::new().call(number, arguments)
    }

    /// Has the guest make a file below `/out` first, so that the worker holds a descriptor that can be written to.
    pub(crate) fn with_artifact(mut self) -> Self {
        self.before = "(call $make)";
        self
    }

    /// Adds a call.
    pub(crate) fn call(mut self, number: i64, arguments: impl IntoIterator<Item = Arg>) -> Self {
        let mut arguments: Vec<_> = arguments.into_iter().map(|it| self.place(it)).collect();
        arguments.resize(6, "(i64.const 0)".to_owned());
        let call = format!("(call $syscall (i64.const {number}) {})", arguments.join(" "));
        self.told(&call);
        self
    }

    /// Adds a call of the 32-bit table.
    pub(crate) fn call32(mut self, number: i64) -> Self {
        self.told(&format!("(call $syscall32 (i64.const {number}))"));
        self
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// Keeps the answer, and tells it on the process's stderr at once: the next call may be the last.
    fn told(&mut self, call: &str) {
        let at = ANSWERS + 8 * self.calls;
        assert!(at < DATA, "no room for another answer");
        let told = "(i64.const 8) (i64.const 0) (i64.const 0) (i64.const 0)";
        writeln!(
            self.code,
            "(i64.store (i32.const {at}) {call})
             (drop (call $syscall (i64.const {}) (i64.const 2) {} {told}))",
            libc::SYS_write,
            address(at),
        )
        .unwrap();
        self.calls += 1;
    }

    fn place(&mut self, argument: Arg) -> String {
        match argument {
            Arg::Number(number) => format!("(i64.const {number})"),
            Arg::Answer(number) => format!("(i64.load (i32.const {}))", ANSWERS + 8 * number),
            Arg::Bytes(bytes) => address(self.lay(&bytes)),
            Arg::Words(words) => {
                let at = self.lay(&vec![0; 8 * words.len()]);
                for (number, word) in words.into_iter().enumerate() {
                    let value = self.place(word);
                    writeln!(self.code, "(i64.store (i32.const {}) {value})", at + 8 * number).unwrap();
                }
                address(at)
            }
        }
    }

    fn lay(&mut self, bytes: &[u8]) -> usize {
        let at = DATA + self.data.len();
        self.data.extend_from_slice(bytes);
        self.data.resize(self.data.len().next_multiple_of(16), 0);
        at
    }

    /// The module.
    pub(crate) fn wat(&self) -> String {
        let data: String = self.data.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:02x}"));
        let (before, code) = (self.before, &self.code);
        format!(
            r#"(module
              (import "back_door" "base" (func $base (result i64)))
              (import "back_door" "syscall"
                (func $syscall (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
              (import "back_door" "syscall32" (func $syscall32 (param i64) (result i64)))
              (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (memory (export "memory") 16)
              (data (i32.const 0) "artifact")
              (data (i32.const {DATA}) "{data}")
              (func $make (if (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1)
                  (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 64)) (then unreachable)))
              (func (export "_start") {before} {code}))"#
        )
    }
}

fn address(at: usize) -> String {
    format!("(i64.add (call $base) (i64.const {at}))")
}
