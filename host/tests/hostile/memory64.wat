;; Has a 64-bit memory.
;; expect: refused
;; says: 64-bit
(module (memory (export "memory") i64 1) (func (export "_start")))
