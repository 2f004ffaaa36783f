;; Exits before its entry point.
;; expect: nonzero-exit
;; says: exit code 9
(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32))) (memory (export "memory") 1) (func $s (call $e (i32.const 9))) (start $s) (func (export "_start")))
