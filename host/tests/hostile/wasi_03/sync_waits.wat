;; Has a function that may not wait wait.
;; expect: trap
;; says: cannot block
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (component $other
    (import "wait" (func $wait async (param "how-long" u64)))
    (core func $wait' (canon lower (func $wait)))
    (core module $main
      (import "" "wait" (func $wait (param i64)))
      (func (export "it") (call $wait (i64.const 1000000))))
    (core instance $m (instantiate $main (with "" (instance (export "wait" (func $wait'))))))
    (func (export "it") (canon lift (core func $m "it"))))
  (component $main
    (import "it" (func $it))
    (core func $it' (canon lower (func $it)))
    (core module $main
      (import "" "it" (func $it))
      (func (export "run") (result i32) (call $it) (i32.const 0)))
    (core instance $m (instantiate $main (with "" (instance (export "it" (func $it'))))))
    (func (export "run") async (result (result)) (canon lift (core func $m "run"))))
  (instance $o (instantiate $other (with "wait" (func $clock "wait-for"))))
  (instance $entry (instantiate $main (with "it" (func $o "it"))))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
