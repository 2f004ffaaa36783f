;; Answers with UTF-8 that is none.
;; expect: trap
;; says: utf-8
(component
  (core module $main
    (memory (export "memory") 1)
    (data (i32.const 0) "\00\00\00\00\40\00\00\00\04\00\00\00")
    (data (i32.const 64) "\22\ff\fe\22")
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "analyse") (param i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func (export "analyse") (param "args" string) (result (result string (error string)))
    (canon lift (core func $m "analyse") (memory (core memory $m "memory")) (realloc (core func $m "realloc")) string-encoding=utf8)))
