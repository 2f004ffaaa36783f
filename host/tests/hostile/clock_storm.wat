;; Waits for a clock that only moves when it is looked at: a microsecond a look, and each look is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (loop (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 64))) (br_if 0 (i64.lt_u (i64.load (i32.const 64)) (i64.const 3600000000000))))))
