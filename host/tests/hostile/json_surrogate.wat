;; Prints half a surrogate pair, which is no character.
;; expect: bad-output
;; says: not one JSON document
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (data (i32.const 16) "\22\5cud800\22")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
