;; Has a data segment that lies past the end of memory: it does not come up.
;; expect: trap
;; says: out of bounds
(module
  (memory (export "memory") 2)
  (data (i32.const 131071) "xx")
  (func (export "_start")))
