;; Copies a data segment into memory for ever: bulk operations are work.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (memory (export "memory") 2)
  (data $d "0123456789abcdef")
  (func (export "_start")
    (loop (memory.init $d (i32.const 0) (i32.const 0) (i32.const 16)) (br 0))))
