;; Sets times before 1970 and at the end of time: accepted, ignored, and always 0 when read (wasmtime overflowed here).
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "path_filestat_set_times" (func $path_filestat_set_times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_times" (func $fd_filestat_set_times (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 256) "the_file")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $path_filestat_set_times (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 8) (i64.const -1) (i64.const -1) (i32.const 5)) (i32.const 0))
    (call $is (call $fd_filestat_set_times (i32.const 4) (i64.const -9223372036854775808) (i64.const -1) (i32.const 5)) (i32.const 0))
    (call $is (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 8) (i32.const 512)) (i32.const 0))
    (call $is (i64.eqz (i64.or (i64.load (i32.const 552)) (i64.or (i64.load (i32.const 560)) (i64.load (i32.const 568))))) (i32.const 1))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
