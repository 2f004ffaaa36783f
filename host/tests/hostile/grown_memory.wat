;; Grows its memory and looks for what another run left there: every new byte is zero, every time.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $at i32)
    (call $is (memory.grow (i32.const 64)) (i32.const 2))
    (local.set $at (i32.const 131072))
    (loop
      (call $is (i64.eqz (i64.load (local.get $at))) (i32.const 1))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 4325376))))
    (memory.fill (i32.const 131072) (i32.const 255) (i32.const 4194304))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
