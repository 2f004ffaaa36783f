;; Grows a table until it is refused, then gives up.
;; expect: memory-limit
;; says: refused more memory
(module (memory (export "memory") 1) (table $t 1 funcref)
  (func (export "_start") (loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable))
