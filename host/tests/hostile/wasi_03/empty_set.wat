;; Waits for a set of waitables with nothing in it.
;; expect: trap
;; says: deadlock
(component
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $memory))
  (core func $set.new (canon waitable-set.new))
  (core func $set.wait (canon waitable-set.wait (memory $memory)))
  (core module $main
    (import "" "set.new" (func $set.new (result i32)))
    (import "" "set.wait" (func $set.wait (param i32 i32) (result i32)))
    (func (export "run") (result i32) (call $set.wait (call $set.new) (i32.const 0))))
  (core instance $m
    (instantiate $main (with "" (instance (export "set.new" (func $set.new)) (export "set.wait" (func $set.wait))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
