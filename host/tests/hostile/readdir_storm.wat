;; Lists a directory for ever: every call is charged, and every name in it.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (loop (drop (call $fd_readdir (i32.const 3) (i32.const 512) (i32.const 4096) (i64.const 0) (i32.const 80))) (br 0))))
