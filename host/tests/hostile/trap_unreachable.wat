;; Executes `unreachable`.
;; expect: trap
;; says: unreachable
(module
  (memory (export "memory") 2)
  (func (export "_start")
    unreachable))
