;; Divides the least number by -1, which has no answer: a trap, not a signal that kills.
;; expect: trap
;; says: overflow
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (drop (i32.div_s (i32.const -2147483648) (i32.const -1)))))
