;; Goes on listing from the end of time: nothing is left to list.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $fd_readdir (i32.const 3) (i32.const 512) (i32.const 256) (i64.const -1) (i32.const 80)) (i32.const 0))
    (call $is (i32.load (i32.const 80)) (i32.const 0))
    (call $is (call $fd_readdir (i32.const 3) (i32.const 512) (i32.const 256) (i64.const 9223372036854775807) (i32.const 80)) (i32.const 0))
    (call $is (i32.load (i32.const 80)) (i32.const 0))
    (call $is (call $fd_readdir (i32.const 3) (i32.const 512) (i32.const -1) (i64.const 0) (i32.const 80)) (i32.const 0))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
