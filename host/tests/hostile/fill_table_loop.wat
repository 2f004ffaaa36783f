;; Fills a table for ever: bulk operations are work, by their length.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (memory (export "memory") 2)
  (table $t 100000 funcref)
  (func (export "_start")
    (loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 100000)) (br 0))))
