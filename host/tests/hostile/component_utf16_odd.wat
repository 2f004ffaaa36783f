;; Answers with UTF-16 at an odd place.
;; expect: trap
;; says: not aligned
(component
  (core module $main
    (memory (export "memory") 1)
    (data (i32.const 0) "\00\00\00\00\41\00\00\00\02\00\00\00")
    (data (i32.const 64) "{}")
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "analyse") (param i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func (export "analyse") (param "args" string) (result (result string (error string)))
    (canon lift (core func $m "analyse") (memory (core memory $m "memory")) (realloc (core func $m "realloc")) string-encoding=utf16)))
