;; Hands stdout a stream that it never ends, and is done: what it wrote counts.
;; expect: successful
;; says: {"ok":true}
(component
  (import "wasi:cli/types@0.3.0" (instance $cli
    (type $e (enum "io" "illegal-byte-sequence" "pipe")) (export "error-code" (type (eq $e)))))
  (alias export $cli "error-code" (type $cli-error))
  (import "wasi:cli/stdin@0.3.0" (instance $stdin
    (alias outer 1 $cli-error (type $e0)) (export "error-code" (type $e (eq $e0)))
    (type $bytes (stream u8)) (type $ended (result (error $e))) (type $end (future $ended)) (type $pair (tuple $bytes $end))
    (export "read-via-stream" (func (result $pair)))))
  (import "wasi:cli/stdout@0.3.0" (instance $stdout
    (alias outer 1 $cli-error (type $e0)) (export "error-code" (type $e (eq $e0)))
    (type $bytes (stream u8)) (type $ended (result (error $e))) (type $end (future $ended))
    (export "write-via-stream" (func (param "data" $bytes) (result $end)))))
  (core module $memory (memory (export "memory") 1) (data (i32.const 0) "{\"ok\":true}"))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $memory))
  (type $bytes (stream u8))
  (core func $new (canon stream.new $bytes))
  (core func $write (canon stream.write $bytes async (memory $memory)))
  (core func $stdout (canon lower (func $stdout "write-via-stream")))
  (core module $main
    (import "" "new" (func $new (result i64)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "stdout" (func $stdout (param i32) (result i32)))
    (func (export "run") (result i32)
      (local $both i64)
      (local.set $both (call $new))
      (drop (call $stdout (i32.wrap_i64 (local.get $both))))
      (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))) (i32.const 0) (i32.const 11)))
      (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "new" (func $new)) (export "write" (func $write))
    (export "stdout" (func $stdout))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
