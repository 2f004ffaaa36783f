;; Waits four hundred times for a thousand clocks of no time at all: each is charged for what it costs to look at.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $calls i32)
    (loop $again
      (drop (call $p (i32.const 0) (i32.const 65536) (i32.const 1000) (i32.const 120000)))
      (br_if $again (i32.lt_u (local.tee $calls (i32.add (local.get $calls) (i32.const 1))) (i32.const 400))))))
