;; Is lifted as async, which goes on when its caller is gone (GHSA-32h6).
;; expect: refused
;; says: async
(component
  (core module $main (func (export "run") (result i32) (i32.const 0)) (func (export "back") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result (result)) (canon lift (core func $m "run") async (callback (core func $m "back"))))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
