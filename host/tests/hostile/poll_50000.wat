;; Waits for 50,000 clocks at once: more than 1,024 are refused unread.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $poll_oneoff (i32.const 1024) (i32.const 1024) (i32.const 50000) (i32.const 80)) (i32.const 28))
    (call $is (call $poll_oneoff (i32.const 1024) (i32.const 1024) (i32.const -1) (i32.const 80)) (i32.const 28))
    (call $is (call $poll_oneoff (i32.const 1024) (i32.const 1024) (i32.const 0) (i32.const 80)) (i32.const 28))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
