;; Needs at start what it may not have: it does not start.
;; expect: memory-limit
;; limits: {"memory_bytes": 1048576}
;; says: to start
(module
  (memory (export "memory") 64)
  (func (export "_start")))
