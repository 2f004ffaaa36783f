;; Has an element segment that lies past the end of its table: it does not come up.
;; expect: trap
;; says: out of bounds
(module
  (memory (export "memory") 2)
  (table 1 funcref) (func $f) (elem (i32.const 1) $f)
  (func (export "_start")))
