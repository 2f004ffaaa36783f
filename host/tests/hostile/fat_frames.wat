;; Recurses with a thousand live values in a frame: the stack is bounded in bytes, not in calls.
;; expect: stack-overflow
(module
  (memory (export "memory") 2)
  (func $f (param i64) (result i64)
  (local.tee 0 (i64.mul (local.get 0) (i64.const 3))) ;; times 1000
  (call $f (local.get 0))
  i64.add ;; times 1000
  )
  (func (export "_start")
    (drop (call $f (i64.const 1)))))
