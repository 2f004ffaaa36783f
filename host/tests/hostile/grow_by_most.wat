;; Grows memory and table by 2^32-1 and by the whole address space: refused, and it goes on.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (table $t 1 funcref)
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (memory.grow (i32.const -1)) (i32.const -1)) (call $is (memory.grow (i32.const 65536)) (i32.const -1))
    (call $is (table.grow $t (ref.null func) (i32.const -1)) (i32.const -1)) (call $is (table.size $t) (i32.const 1))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
