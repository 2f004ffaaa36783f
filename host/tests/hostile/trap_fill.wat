;; Fills past the end of memory: nothing is written before the check.
;; expect: trap
;; says: out of bounds
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const -1))))
