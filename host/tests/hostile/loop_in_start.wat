;; Never gets as far as its entry point: fuel counts from the start function on.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (memory (export "memory") 2) (func $s (loop (br 0))) (start $s) (func (export "_start")))
