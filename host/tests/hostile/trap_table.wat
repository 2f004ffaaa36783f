;; Calls past the end of its table.
;; expect: trap
;; says: undefined element
(module
  (memory (export "memory") 2)
  (type $v (func)) (table 1 funcref)
  (func (export "_start")
    (call_indirect (type $v) (i32.const 4096))))
