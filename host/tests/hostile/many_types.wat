;; Has one type more than it may.
;; expect: refused
;; says: types
(module
  (type (func)) ;; times 100001
  (memory (export "memory") 1) (func (export "_start")))
