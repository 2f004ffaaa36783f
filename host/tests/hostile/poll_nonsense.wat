;; Waits for what is no event, for a clock that is none, for a descriptor that is closed: told, not waited for.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (i32.store8 (i32.const 72) (i32.const 9))
    (call $is (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)) (i32.const 28))
    (i32.store8 (i32.const 72) (i32.const 0)) (i32.store (i32.const 80) (i32.const 77))
    (call $is (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)) (i32.const 28))
    (i32.store8 (i32.const 72) (i32.const 1))
    (call $is (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)) (i32.const 0))
    (call $is (i32.load16_u (i32.const 264)) (i32.const 8))
    (call $is (call $poll_oneoff (i32.const -8) (i32.const 256) (i32.const 1) (i32.const 512)) (i32.const 21))
    (call $is (call $poll_oneoff (i32.const 64) (i32.const 131064) (i32.const 1) (i32.const 512)) (i32.const 21))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
