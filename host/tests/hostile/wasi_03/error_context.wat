;; Makes contexts of errors, which the host would keep; they are switched off.
;; expect: refused
;; says: error-context
(component
  (core module $memory (memory (export "memory") 1)) (core instance $mem (instantiate $memory))
  (core func $f (canon error-context.new (memory (core memory $mem "memory"))))
  (core module $main (import "" "f" (func (param i32 i32) (result i32))) (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "f" (func $f))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
