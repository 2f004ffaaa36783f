;; Does nothing but host calls: each is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32))) (memory (export "memory") 2) (func (export "_start") (loop (drop (call $y)) (br 0))))
