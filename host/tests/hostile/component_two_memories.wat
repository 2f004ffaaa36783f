;; Has a part that sees two memories, as only the engine's own adapters may.
;; expect: refused
;; says: more than one memory
(component
  (core module $main
    (memory 1)
    (memory 1)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
