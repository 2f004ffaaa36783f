;; Waits for a million instants at once: each is a handle.
;; expect: memory-limit
;; says: handles
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (core func $wait (canon lower (func $clock "wait-for") async))
  (core module $main
    (import "" "wait" (func $wait (param i64) (result i32)))
    (func (export "run") (result i32)
      (loop $again (drop (call $wait (i64.const 1000000000))) (br $again)) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "wait" (func $wait))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
