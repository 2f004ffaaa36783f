;; The least guest that does something: reads the sample's first bytes, prints one JSON document.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "the_file")
  (data (i32.const 16) "{\"bytes\":64}\n")
  ;; Where to read to, and what to write: pointer and length each.
  (data (i32.const 32) "\00\04\00\00\40\00\00\00")
  (data (i32.const 40) "\10\00\00\00\0d\00\00\00")
  (func (export "_start")
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))
    (drop (call $fd_read (i32.load (i32.const 64)) (i32.const 32) (i32.const 1) (i32.const 68)))
    (drop (call $fd_write (i32.const 1) (i32.const 40) (i32.const 1) (i32.const 72)))))
