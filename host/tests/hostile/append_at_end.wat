;; Fills a file to its limit and appends one byte more as its last act.
;; expect: output-limit
;; limits: {"artifact_bytes": 1000}
;; says: artifact_bytes
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "x")
  (data (i32.const 264) "\01")
  (func (export "_start")
    (drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 1) (i32.const 80)))
    (drop (call $fd_filestat_set_size (i32.load (i32.const 80)) (i64.const 1000)))
    (drop (call $fd_write (i32.load (i32.const 80)) (i32.const 260) (i32.const 1) (i32.const 84)))))
