;; Recurses through its table, which no compiler can see.
;; expect: stack-overflow
(module
  (memory (export "memory") 2)
  (type $v (func)) (table 1 funcref) (elem (i32.const 0) $f)
  (func $f (call_indirect (type $v) (i32.const 0)))
  (func (export "_start")
    (call $f)))
