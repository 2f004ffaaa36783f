;; Reads the last byte that an address and an offset can name: a guard page away from the host.
;; expect: trap
;; says: out of bounds
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (drop (i32.load8_u offset=4294967295 (i32.const -1)))))
