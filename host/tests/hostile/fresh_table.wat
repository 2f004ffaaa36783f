;; Looks for what another run left in its table and globals, then leaves something itself: every entry is null, every time.
;; expect: successful
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "{\"ok\":true}")
  (table $t 20000 funcref) (global $was (mut i32) (i32.const 7)) (func $f) (elem declare func $f)
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $at i32)
    (call $is (global.get $was) (i32.const 7)) (global.set $was (i32.const 8))
    (loop
      (call $is (ref.is_null (table.get $t (local.get $at))) (i32.const 1))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 20000))))
    (table.fill $t (i32.const 0) (ref.func $f) (i32.const 20000))
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0))))
