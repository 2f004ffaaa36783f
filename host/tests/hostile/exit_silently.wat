;; Exits with 0 and has printed nothing: no result.
;; expect: bad-output
;; says: empty
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (call $proc_exit (i32.const 0))))
