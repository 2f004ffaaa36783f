;; Has a part with more tables than a worker gives one of them, though fewer than it gives all.
;; expect: refused
;; says: defined tables count of 5 exceeds
(component
  (core module $tables
    (table 1 funcref) ;; times 5
  )
  (core instance (instantiate $tables))
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
