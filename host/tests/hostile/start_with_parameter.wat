;; Has an entry point that wants a parameter.
;; expect: refused
;; says: _start
(module (memory (export "memory") 1) (func (export "_start") (param i32)))
