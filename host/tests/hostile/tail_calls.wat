;; Calls itself for ever without a stack: fuel is counted in tail calls too.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (memory (export "memory") 2)
  (func $f (return_call $f))
  (func (export "_start")
    (call $f)))
