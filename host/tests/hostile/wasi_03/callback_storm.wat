;; Yields for ever by the answers of its callback, and never has a stack meanwhile.
;; expect: out-of-fuel
;; limits: {"fuel_base": 1000000000}
;; says: more work
(component
  (core module $main
    (func (export "run") (result i32) (i32.const 1))
    (func (export "back") (param i32 i32 i32) (result i32) (i32.const 1)))
  (core instance $m (instantiate $main))
  (func $run async (result (result)) (canon lift (core func $m "run") async (callback (core func $m "back"))))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
