;; Says that it is 10^308 done, then less than nothing, then no number: it is at most done.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (data (i32.const 64) "\48\00\00\00\2e\00\00\00")
  (data (i32.const 72) "@progress 1e308\0a@progress -1\0a@progress NaN\0a\ff\fe\0a")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 8)) (i32.const 0))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
