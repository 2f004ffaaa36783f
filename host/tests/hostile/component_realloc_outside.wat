;; Has the host put its args past its memory.
;; expect: trap
;; says: beyond end of memory
(component
  (core module $main
    (memory (export "memory") 1)
    (data (i32.const 0) "\00\00\00\00\40\00\00\00\02\00\00\00")
    (data (i32.const 64) "{}")
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x7ffffff0))
    (func (export "analyse") (param i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func (export "analyse") (param "args" string) (result (result string (error string)))
    (canon lift (core func $m "analyse") (memory (core memory $m "memory")) (realloc (core func $m "realloc")) string-encoding=utf8)))
