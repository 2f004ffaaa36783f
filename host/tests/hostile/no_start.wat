;; Has no entry point.
;; expect: refused
;; says: _start
(module (memory (export "memory") 1))
