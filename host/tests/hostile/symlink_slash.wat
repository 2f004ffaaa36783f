;; Plants a link and walks through it with a slash behind: there are no links to walk through.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "/input")
  (data (i32.const 272) "x/.")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $path_symlink (i32.const 256) (i32.const 6) (i32.const 4) (i32.const 272) (i32.const 1)) (i32.const 58))
    (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 272) (i32.const 2) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 44))
    (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 272) (i32.const 3) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 44))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
