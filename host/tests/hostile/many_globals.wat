;; Has one global more than it may.
;; expect: refused
;; says: globals
(module
  (global i32 (i32.const 0)) ;; times 10001
  (memory (export "memory") 1) (func (export "_start")))
