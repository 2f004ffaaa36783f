;; Hands 112 MiB of text from one of its parts to another for ever: a copy of the engine's own costs no fuel, but time.
;; expect: deadline
;; limits: {"cpu_ms": 500}
;; says: cpu_ms
(component
  (component $other
    (core module $main
      (memory (export "memory") 1800)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "take") (param i32 i32)))
    (core instance $m (instantiate $main))
    (func (export "take") (param "text" string)
      (canon lift (core func $m "take") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))
  (component $main
    (import "take" (func $take (param "text" string)))
    (core module $memory (memory (export "memory") 1800))
    (core instance $mem (instantiate $memory))
    (core func $take' (canon lower (func $take) (memory (core memory $mem "memory"))))
    (core module $main
      (import "" "take" (func $take (param i32 i32)))
      (func (export "run") (result i32)
        (loop (call $take (i32.const 64) (i32.const 0x7000000)) (br 0)) (i32.const 0)))
    (core instance $m (instantiate $main (with "" (instance (export "take" (func $take'))))))
    (func (export "run") (result (result)) (canon lift (core func $m "run"))))
  (instance $o (instantiate $other))
  (instance $entry (instantiate $main (with "take" (func $o "take"))))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
