;; Says that it failed.
;; expect: nonzero-exit
;; says: exit code 3
(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32))) (memory (export "memory") 2) (func (export "_start") (call $e (i32.const 3))))
