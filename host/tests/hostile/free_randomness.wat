;; Asks for 100 MiB of random bytes at a time, which are hashed one by one.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "random_get" (func $g (param i32 i32) (result i32)))
  (memory (export "memory") 1700)
  (func (export "_start") (loop (drop (call $g (i32.const 0) (i32.const 104857600))) (br 0))))
