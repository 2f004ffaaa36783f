;; Moves its sample away, and exits when it cannot.
;; expect: denied
;; says: read-only
(module (import "wasi_snapshot_preview1" "path_rename" (func $r (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "the_file") (data (i32.const 64) "x")
  (func (export "_start")
    (call $e (call $r (i32.const 3) (i32.const 32) (i32.const 8) (i32.const 4) (i32.const 64) (i32.const 1)))))
