;; Opens a file of the host by its full name, and exits when it cannot.
;; expect: denied
;; says: outside
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "/etc/passwd")
  (func (export "_start")
    (call $e (call $o (i32.const 4) (i32.const 0) (i32.const 32) (i32.const 11) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)))))
