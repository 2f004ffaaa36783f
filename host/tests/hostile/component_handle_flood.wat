;; Asks for its stdout a million times and gives no handle back (GHSA-q554).
;; expect: memory-limit
;; says: handles
(component
  (import "wasi:io/streams@0.2.0" (instance $streams (export "output-stream" (type (sub resource)))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (export "output-stream" (type $s (eq $stream)))
    (export "get-stdout" (func (result (own $s))))))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $drop (canon resource.drop $stream))
  (core module $main
    (import "" "get" (func $get (result i32)))
    (func (export "run") (result i32)
      (local $n i32)
      (loop $again
        (drop (call $get))
        (br_if $again (i32.ne (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
      (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
