;; Never ends: fuel does.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (memory (export "memory") 2) (func (export "_start") (loop (br 0))))
