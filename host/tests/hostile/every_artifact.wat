;; Leaves exactly as many artifacts as it may: all are kept.
;; expect: successful
;; limits: {"artifacts_count": 20}
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "xa")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (loop
      (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 2) (i32.const 5) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 0))
      (call $is (call $fd_write (i32.load (i32.const 80)) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))
      (call $is (call $fd_close (i32.load (i32.const 80))) (i32.const 0))
      (i32.store8 (i32.const 257) (i32.add (i32.load8_u (i32.const 257)) (i32.const 1)))
      (br_if 0 (i32.lt_u (i32.load8_u (i32.const 257)) (i32.const 117))))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
