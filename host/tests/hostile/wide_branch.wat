;; Branches to one target more than a table of branches may have.
;; expect: refused
(module (func (param i32) (block (local.get 0) br_table
  0 ;; times 65522
  )) (memory (export "memory") 1) (func (export "_start")))
