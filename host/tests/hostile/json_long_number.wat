;; Prints a number of 100,000 digits: no reader of ours keeps them.
;; expect: bad-output
;; says: out of range
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (memory.fill (i32.const 1024) (i32.const 57) (i32.const 100000))
    (i32.store (i32.const 64) (i32.const 1024)) (i32.store (i32.const 68) (i32.const 100000))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 8)))))
