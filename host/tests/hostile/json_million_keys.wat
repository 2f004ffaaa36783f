;; Prints an object with a million members, all of one name: whoever reads it may take the first or the last, so it is no result.
;; expect: bad-output
;; says: a member twice
;; limits: {"stdout_bytes": 16000000}
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 100)
  (data (i32.const 256) ",\22a\22:0")
  (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func (export "_start") (local $at i32)
    (i32.store (i32.const 64) (i32.const 1024)) (i32.store (i32.const 68) (i32.const 6000000))
    (loop
      (memory.copy (i32.add (i32.const 1024) (local.get $at)) (i32.const 256) (i32.const 6))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 6))) (i32.const 6000000))))
    (i32.store8 (i32.const 1024) (i32.const 0x7b)) (i32.store8 (i32.const 6001024) (i32.const 0x7d)) (i32.store (i32.const 68) (i32.const 6000001))
    (call $is (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 8)) (i32.const 0))))
