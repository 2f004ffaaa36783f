;; Asks for 60 MB of random bytes in one call: there is no fuel for that, and none is made.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1000)
  (func (export "_start")
    (drop (call $random_get (i32.const 0) (i32.const 60000000)))))
