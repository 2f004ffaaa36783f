;; Calls the host while the host waits for room for the args.
;; expect: trap
;; says: cannot leave component instance
(component
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
  (core func $get (canon lower (func $random "get-random-u64")))
  (core module $main
    (import "" "get" (func $get (result i64)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (drop (call $get)) (i32.const 1024))
    (func (export "analyse") (param i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main (with "" (instance (export "get" (func $get))))))
  (func (export "analyse") (param "args" string) (result (result string (error string)))
    (canon lift (core func $m "analyse") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))
