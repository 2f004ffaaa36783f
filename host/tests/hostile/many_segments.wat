;; Has one data segment more than it may.
;; expect: refused
;; says: segments
(module
  (data "") ;; times 50001
  (memory (export "memory") 1) (func (export "_start")))
