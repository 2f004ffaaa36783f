;; Prints nothing, to both streams, for ever: calls are charged, and the host keeps no list of them (GHSA-5m8g).
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (loop (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 80))) (drop (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 80))) (br 0))))
