;; Yields for ever: each turn of the loop that this takes is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 1000000000}
;; says: more work
(component
  (core func $yield (canon thread.yield))
  (core module $main
    (import "" "yield" (func $yield (result i32)))
    (func (export "run") (result i32) (loop $again (drop (call $yield)) (br $again)) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "yield" (func $yield))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
