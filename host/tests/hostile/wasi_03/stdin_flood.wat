;; Opens stdin again and again and drops nothing: each stream is a handle.
;; expect: memory-limit
;; says: handles
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
  (core module $memory (memory (export "memory") 1))
  (core instance $mem (instantiate $memory))
  (alias core export $mem "memory" (core memory $memory))
  (core func $stdin (canon lower (func $stdin "read-via-stream") (memory $memory)))
  (core module $main
    (import "" "stdin" (func $stdin (param i32)))
    (func (export "run") (result i32) (loop $again (call $stdin (i32.const 0)) (br $again)) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "stdin" (func $stdin))))))
  (func $run async (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $entry)))
