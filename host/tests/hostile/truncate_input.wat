;; Opens its sample with O_TRUNC and without a right to write, and exits when it cannot.
;; expect: denied
;; says: read-only
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "the_file")
  (func (export "_start")
    (call $e (call $o (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 8) (i32.const 8) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)))))
