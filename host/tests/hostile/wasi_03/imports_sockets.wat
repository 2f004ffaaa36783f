;; Wants sockets, which no switch offers.
;; expect: refused
;; says: sockets are never offered
(component
  (import "wasi:sockets/types@0.3.0" (instance))
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
