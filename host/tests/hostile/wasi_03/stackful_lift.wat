;; Is lifted as a task with a stack of its own, which is switched off.
;; expect: refused
;; says: stackful
(component
  (core module $main (func (export "run")))
  (core instance $m (instantiate $main))
  (func $run async (result (result)) (canon lift (core func $m "run") async))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
