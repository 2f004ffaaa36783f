;; Names of 4,097 and 2^32-1 bytes, and 40 parts: an error number each.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $at i32)
    (memory.fill (i32.const 1024) (i32.const 47) (i32.const 4097))
    (call $is (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4097) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 37))
    (call $is (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const -1) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 21))
    (call $is (call $path_open (i32.const 3) (i32.const 0) (i32.const -1) (i32.const 2) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 21))
    (loop (i32.store16 (i32.add (i32.const 8192) (local.get $at)) (i32.const 0x2f61)) (local.set $at (i32.add (local.get $at) (i32.const 2))) (br_if 0 (i32.lt_u (local.get $at) (i32.const 80))))
    (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 8192) (i32.const 80) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 37))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
