;; Logs for ever: the log is cut, and writing it is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 65536))
    (loop (drop (call $w (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16))) (br 0))))
