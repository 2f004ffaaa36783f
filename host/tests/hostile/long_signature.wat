;; Has a function of a thousand and one parameters.
;; expect: refused
(module (func
  (param i64) ;; times 1001
  ) (memory (export "memory") 1) (func (export "_start")))
