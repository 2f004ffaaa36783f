;; Calls a table entry of another type.
;; expect: trap
;; says: indirect call
(module (memory (export "memory") 1) (type $other (func (param i32))) (table funcref (elem $start))
  (func $start (export "_start") (call_indirect (type $other) (i32.const 1) (i32.const 0))))
