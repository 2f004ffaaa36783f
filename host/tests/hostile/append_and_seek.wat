;; Seeks back in a file that it opened to append: writes go to the end all the same.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "x")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 1) (i32.const 80)) (i32.const 0))
    (call $is (call $fd_write (i32.load (i32.const 80)) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))
    (call $is (call $fd_seek (i32.load (i32.const 80)) (i64.const 0) (i32.const 0) (i32.const 512)) (i32.const 0))
    (call $is (call $fd_write (i32.load (i32.const 80)) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))
    (call $is (call $fd_filestat_get (i32.load (i32.const 80)) (i32.const 512)) (i32.const 0))
    (call $is (i32.load (i32.const 544)) (i32.const 22))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
