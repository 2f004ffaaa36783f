;; Sleeps until the end of time, by an absolute clock: the deadline is the kill.
;; expect: deadline
;; limits: {"wall_ms": 300}
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const -1)) (i32.store16 (i32.const 104) (i32.const 1))
    (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))))
