;; Starts with four billion entries in a table.
;; expect: refused
;; says: a table starts
(module (table 4294967295 funcref) (memory (export "memory") 1) (func (export "_start")))
