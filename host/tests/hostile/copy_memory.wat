;; Copies memory over itself for ever: bulk operations are work, by their length.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 131071)) (br 0))))
