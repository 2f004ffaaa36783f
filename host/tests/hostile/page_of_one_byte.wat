;; Has memory in pages of one byte.
;; expect: refused
(module (memory (export "memory") 1 (pagesize 1)) (func (export "_start")))
