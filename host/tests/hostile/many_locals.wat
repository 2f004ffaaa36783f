;; Has one local more than a function may, in a few bytes.
;; expect: refused
;; says: locals
(module (func
  (local i32) ;; times 50001
  ) (memory (export "memory") 1) (func (export "_start")))
