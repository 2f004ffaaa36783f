;; Exits with a code that is no byte: told as it is, and no signal is made of it.
;; expect: nonzero-exit
;; says: exit code -2147483648
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (call $proc_exit (i32.const 0x80000000))))
