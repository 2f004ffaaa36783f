;; Waits for a set of waitables, for ever.
;; expect: refused
;; says: async
(component
  (core func $f (canon waitable-set.new))
  (core module $main (import "" "f" (func (result i32))) (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "f" (func $f))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
