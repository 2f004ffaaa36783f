;; Allocates 2^62 bytes: counted before anything is done.
;; expect: output-limit
;; says: artifact_bytes
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "x")
  (func (export "_start")
    (drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80)))
    (drop (call $fd_allocate (i32.load (i32.const 80)) (i64.const 0) (i64.const 0x4000000000000000)))))
