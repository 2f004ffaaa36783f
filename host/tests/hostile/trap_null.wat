;; Calls an entry of its table that was never set.
;; expect: trap
;; says: uninitialized element
(module
  (memory (export "memory") 2)
  (type $v (func)) (table 1 funcref)
  (func (export "_start")
    (call_indirect (type $v) (i32.const 0))))
