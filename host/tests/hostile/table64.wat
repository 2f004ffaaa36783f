;; Has a 64-bit table.
;; expect: refused
(module (table i64 1 funcref) (memory (export "memory") 1) (func (export "_start")))
