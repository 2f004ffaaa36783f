;; Calls the host without a memory that the host could write to: a fault, not a crash (GHSA-gqmc).
;; expect: bad-output
;; says: empty
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (memory $hidden 1) (global (export "memory") i32 (i32.const 0))
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start")
    (call $is (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 21))
    (call $is (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 0)) (i32.const 21))))
