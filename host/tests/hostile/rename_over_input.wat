;; Puts a file of its own in the place of its sample: the sample is read-only (GHSA-4ch3).
;; expect: denied
;; says: read-only
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "x")
  (data (i32.const 272) "the_file")
  (func (export "_start")
    (drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80)))
    (call $proc_exit (call $path_rename (i32.const 4) (i32.const 256) (i32.const 1) (i32.const 3) (i32.const 272) (i32.const 8)))))
