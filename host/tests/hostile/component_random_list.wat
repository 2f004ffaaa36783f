;; Asks for 2^40 random bytes as one list: that is more than the host allocates for a call.
;; expect: memory-limit
;; says: host_call_bytes
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $memory (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
  (core instance $mem (instantiate $memory))
  (core func $get (canon lower (func $random "get-random-bytes") (memory (core memory $mem "memory")) (realloc (core func $mem "realloc"))))
  (core module $main
    (import "" "get" (func $get (param i64 i32)))
    (func (export "run") (result i32) (call $get (i64.const 0x10000000000) (i32.const 0)) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
