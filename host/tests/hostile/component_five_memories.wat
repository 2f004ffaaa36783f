;; Has one module with a memory, and five instances of it: more memories than a worker has.
;; expect: refused
;; says: transitively contains 5 Wasm linear memories
(component
  (core module $one (memory 1))
  (core instance (instantiate $one)) ;; times 5
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
