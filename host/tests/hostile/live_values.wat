;; Keeps 2,000 values alive at once: registers run out.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $f (result i64) (local i64)
  (i64.add (local.tee 0 (i64.add (local.get 0) (i64.const 3))) (i64.const 1)) ;; times 2000
  i64.xor ;; times 1999
  )
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (drop (call $f))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
