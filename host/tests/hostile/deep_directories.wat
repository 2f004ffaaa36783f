;; Goes down one directory at a time by descriptor, past the depth that a path may have: stopped at the same depth.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "a")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $at i32) (local $no i32) (local $depth i32)
    (local.set $at (i32.const 4))
    (block (loop
      (br_if 1 (local.tee $no (call $path_create_directory (local.get $at) (i32.const 256) (i32.const 1))))
      (call $is (call $path_open (local.get $at) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 2) (i64.const 16384) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 0))
      (local.set $at (i32.load (i32.const 80)))
      (local.set $depth (i32.add (local.get $depth) (i32.const 1)))
      (br 0)))
    (call $is (local.get $no) (i32.const 37))
    (call $is (local.get $depth) (i32.const 32))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
