;; Moves a file to and fro for ever: every call is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "x")
  (func (export "_start")
    (drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80)))
    (loop (drop (call $path_rename (i32.const 4) (i32.const 256) (i32.const 1) (i32.const 5) (i32.const 256) (i32.const 1))) (drop (call $path_rename (i32.const 5) (i32.const 256) (i32.const 1) (i32.const 4) (i32.const 256) (i32.const 1))) (br 0))))
