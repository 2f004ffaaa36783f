;; Has a `run` of another type than that of `wasi:cli/run`: it could be called by no run.
;; expect: refused
;; says: `run` of `wasi:cli/run` is no `func() -> result`
(component
  (core module $main (func (export "run") (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $run (result u32) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $entry)))
