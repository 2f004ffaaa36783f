;; Adds two numbers that are not there.
;; expect: refused
(module (memory (export "memory") 1) (func (export "_start") i32.add drop))
