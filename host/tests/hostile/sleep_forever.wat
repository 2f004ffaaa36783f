;; Waits for one clock of 2^64-1 ns: the deadline is the kill.
;; expect: deadline
;; limits: {"wall_ms": 300}
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const -1))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
