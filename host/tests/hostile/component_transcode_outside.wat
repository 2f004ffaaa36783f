;; Hands more UTF-16 than there is memory from one of its parts to another.
;; expect: trap
;; says: out-of-bounds
(component
  (component $other
    (core module $main
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "take") (param i32 i32)))
    (core instance $m (instantiate $main))
    (func (export "take") (param "text" string)
      (canon lift (core func $m "take") (memory (core memory $m "memory")) (realloc (core func $m "realloc")) string-encoding=latin1+utf16)))
  (component $main
    (import "take" (func $take (param "text" string)))
    (core module $memory (memory (export "memory") 1) (data (i32.const 64) ""))
    (core instance $mem (instantiate $memory))
    (core func $take' (canon lower (func $take) (memory (core memory $mem "memory")) string-encoding=utf16))
    (core module $main
      (import "" "take" (func $take (param i32 i32)))
      (func (export "run") (result i32) (call $take (i32.const 64) (i32.const 0x3fffffff)) (i32.const 1)))
    (core instance $m (instantiate $main (with "" (instance (export "take" (func $take'))))))
    (func (export "run") (result (result)) (canon lift (core func $m "run"))))
  (instance $o (instantiate $other))
  (instance $entry (instantiate $main (with "take" (func $o "take"))))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
