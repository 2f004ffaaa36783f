;; Drops the same end of a stream twice.
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
      (local.set $both (call $new))
      (call $drop-readable (i32.wrap_i64 (local.get $both)))
      (call $drop-readable (i32.wrap_i64 (local.get $both)))
      (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "new" (func $new))
    (export "drop-readable" (func $drop-readable)) (export "drop-writable" (func $drop-writable))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
