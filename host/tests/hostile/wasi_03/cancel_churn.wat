;; Begins and cancels a read, for ever.
;; expect: out-of-fuel
;; limits: {"fuel_base": 10000000}
;; says: more work
(component
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $memory))
  (type $it (stream u8))
  (core func $new (canon stream.new $it))
  (core func $read (canon stream.read $it async (memory $memory)))
  (core func $write (canon stream.write $it async (memory $memory)))
  (core func $cancel-read (canon stream.cancel-read $it))
  (core func $cancel-write (canon stream.cancel-write $it))
  (core func $drop-readable (canon stream.drop-readable $it))
  (core module $main
    (import "" "new" (func $new (result i64)))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "cancel-read" (func $cancel-read (param i32) (result i32)))
    (import "" "cancel-write" (func $cancel-write (param i32) (result i32)))
    (import "" "drop-readable" (func $drop-readable (param i32)))
    (func (export "run") (result i32)
      (local $both i64) (local $in i32) (local $out i32)
      (local.set $both (call $new))
      (local.set $in (i32.wrap_i64 (local.get $both)))
      (local.set $out (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))))
      (loop $again
        (drop (call $read (local.get $in) (i32.const 0) (i32.const 8)))
        (drop (call $cancel-read (local.get $in)))
        (br $again))
      (i32.const 1)))
  (core instance $m (instantiate $main (with "" (instance (export "new" (func $new))
    (export "read" (func $read)) (export "write" (func $write)) (export "cancel-read" (func $cancel-read))
    (export "cancel-write" (func $cancel-write)) (export "drop-readable" (func $drop-readable))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
