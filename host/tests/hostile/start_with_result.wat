;; Has an entry point that gives a result.
;; expect: refused
;; says: _start
(module (memory (export "memory") 1) (func (export "_start") (result i32) (i32.const 0)))
