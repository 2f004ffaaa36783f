;; Climbs one step more than it went down, from a directory of its own.
;; expect: denied
;; says: outside
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "d")
  (data (i32.const 260) "d/../../tmp/x")
  (func (export "_start")
    (drop (call $path_create_directory (i32.const 4) (i32.const 256) (i32.const 1)))
    (call $proc_exit (call $path_open (i32.const 4) (i32.const 0) (i32.const 260) (i32.const 12) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)))))
