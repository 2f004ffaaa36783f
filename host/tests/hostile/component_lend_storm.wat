;; Lends one handle for ever: a borrow lasts for its call, and the call costs fuel (GHSA-6fr9).
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "pollable" (type $p (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core module $main
    (import "" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "" "ready" (func $ready (param i32) (result i32)))
    (func (export "run") (result i32)
      (local $handle i32)
      (local.set $handle (call $subscribe (i64.const 1000000000)))
      (loop $again (drop (call $ready (local.get $handle))) (br $again))
      unreachable))
  (core instance $m (instantiate $main
    (with "" (instance (export "subscribe" (func $subscribe)) (export "ready" (func $ready))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
