;; Begins to wait and cancels it, for ever.
;; expect: out-of-fuel
;; limits: {"fuel_base": 100000000}
;; says: more work
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (core func $wait (canon lower (func $clock "wait-for") async))
  (core func $cancel (canon subtask.cancel))
  (core func $drop (canon subtask.drop))
  (core module $main
    (import "" "wait" (func $wait (param i64) (result i32)))
    (import "" "cancel" (func $cancel (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (local $task i32)
      (loop $again
        (local.set $task (i32.shr_u (call $wait (i64.const 1000000000)) (i32.const 4)))
        (drop (call $cancel (local.get $task)))
        (call $drop (local.get $task))
        (br $again))
      (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "wait" (func $wait)) (export "cancel" (func $cancel))
    (export "drop" (func $drop))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
