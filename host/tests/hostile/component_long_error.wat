;; Answers with an error of 200 KiB, more than a message to the server can hold: it is cut.
;; expect: nonzero-exit
;; says: EEEEEEEE
(component
  (core module $main
    (memory (export "memory") 5)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "analyse") (param i32 i32) (result i32)
      (memory.fill (i32.const 65536) (i32.const 0x45) (i32.const 204800))
      (i32.store (i32.const 16) (i32.const 1))
      (i32.store (i32.const 20) (i32.const 65536))
      (i32.store (i32.const 24) (i32.const 204800))
      (i32.const 16)))
  (core instance $m (instantiate $main))
  (func (export "analyse") (param "args" string) (result (result string (error string)))
    (canon lift (core func $m "analyse") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))
