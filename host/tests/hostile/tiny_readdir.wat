;; Lists a directory into buffers of 0 to 60 bytes: nothing is written past their end, and padding is zero (GHSA-96f6).
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "name")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $len i32)
    (call $is (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 80)) (i32.const 0))
    (loop
      (memory.fill (i32.const 512) (i32.const 170) (i32.const 128))
      (call $is (call $fd_readdir (i32.const 4) (i32.const 512) (local.get $len) (i64.const 0) (i32.const 80)) (i32.const 0))
      (call $is (i32.load (i32.const 80)) (local.get $len))
      (call $is (i32.load8_u (i32.add (i32.const 512) (local.get $len))) (i32.const 170))
      (if (i32.ge_u (local.get $len) (i32.const 24)) (then
        (call $is (i32.and (i32.load (i32.const 532)) (i32.const 0xffffff00)) (i32.const 0))))
      (br_if 0 (i32.le_u (local.tee $len (i32.add (local.get $len) (i32.const 1))) (i32.const 60))))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
