;; Prints what is no text.
;; expect: bad-output
;; says: UTF-8
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\04\00\00\00") (data (i32.const 16) "\22\ff\fe\22")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
