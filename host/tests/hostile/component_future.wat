;; Makes a thousand million futures (GHSA-93g3).
;; expect: refused
;; says: async
(component
  (type $it (future u8)) (core func $f (canon future.new $it))
  (core module $main (import "" "f" (func (result i64))) (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "f" (func $f))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
