;; Starts with four gigabytes of memory.
;; expect: refused
;; says: bytes of memory
(module (memory (export "memory") 65536) (func (export "_start")))
