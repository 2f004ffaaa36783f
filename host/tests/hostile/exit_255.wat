;; Exits with 255: the code is told.
;; expect: nonzero-exit
;; says: exit code 255
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (call $proc_exit (i32.const 255))))
