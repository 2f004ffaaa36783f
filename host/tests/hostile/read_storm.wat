;; Reads its sample from the start for ever: bytes are charged too.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "the_file")
  (func (export "_start")
    (i32.store (i32.const 64) (i32.const 1024)) (i32.store (i32.const 68) (i32.const 65536))
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 80)))
    (loop (drop (call $fd_pread (i32.load (i32.const 80)) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 84))) (br 0))))
