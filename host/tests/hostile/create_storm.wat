;; Makes and removes a file for ever: what a run may make is counted, removed or not.
;; expect: output-limit
;; says: artifacts_count
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "x")
  (func (export "_start")
    (loop (drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80))) (drop (call $fd_close (i32.load (i32.const 80)))) (drop (call $path_unlink_file (i32.const 4) (i32.const 256) (i32.const 1))) (br 0))))
