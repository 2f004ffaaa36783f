;; Answers, and goes on behind its answer for ever: that is part of the run, and is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 1000000000}
;; says: more work
(component
  (type $answer (result))
  (core func $return (canon task.return (result $answer)))
  (core module $main
    (import "" "return" (func $return (param i32)))
    (func (export "run") (result i32) (call $return (i32.const 0)) (i32.const 1))
    (func (export "back") (param i32 i32 i32) (result i32) (i32.const 1)))
  (core instance $m (instantiate $main (with "" (instance (export "return" (func $return))))))
  (func $run async (result (result)) (canon lift (core func $m "run") async (callback (core func $m "back"))))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
