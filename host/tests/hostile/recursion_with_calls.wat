;; Recurses with a host call in every frame: the host has a stack of its own.
;; expect: stack-overflow
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory (export "memory") 2)
  (func $f (drop (call $sched_yield)) (call $f))
  (func (export "_start")
    (call $f)))
