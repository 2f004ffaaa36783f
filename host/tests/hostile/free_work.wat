;; Writes 64 KiB and has the call fail at its last pointer, so that it might cost nothing.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $pw (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "big")
  (func (export "_start")
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 40)))
    (i32.store (i32.const 4) (i32.const 65536))
    (loop (drop (call $pw (i32.load (i32.const 40)) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const -1))) (br 0))))
