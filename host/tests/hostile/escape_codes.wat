;; Tells why it failed in escape codes: what is shown of it has none.
;; expect: nonzero-exit
;; says: exit code 1: [2Jgone]0;
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "\48\00\00\00\0d\00\00\00")
  (data (i32.const 72) "\1b[2Jgone\1b]0;\07")
  (func (export "_start")
    (drop (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.const 1))))
