;; Has a part with twenty instances, and ten of that part: more instances than a worker has.
;; expect: refused
;; says: transitively contains 201 core module instances
(component
  (component $part
    (core module $one)
    (core instance (instantiate $one)) ;; times 20
  )
  (instance (instantiate $part)) ;; times 10
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
