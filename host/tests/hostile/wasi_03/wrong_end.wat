;; Drops the end that writes as if it read.
;; expect: trap
(component
  (type $it (stream u8))
  (core func $new (canon stream.new $it))
  (core func $drop-readable (canon stream.drop-readable $it))
  (core func $drop-writable (canon stream.drop-writable $it))
  (core module $main
    (import "" "new" (func $new (result i64)))
    (import "" "drop-readable" (func $drop-readable (param i32)))
    (import "" "drop-writable" (func $drop-writable (param i32)))
    (func (export "run") (result i32)
      (local $both i64)
      (call $drop-readable (i32.wrap_i64 (i64.shr_u (call $new) (i64.const 32))))
      (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "new" (func $new))
    (export "drop-readable" (func $drop-readable)) (export "drop-writable" (func $drop-writable))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
