;; Has shared memory: threads would give it a clock finer than its own.
;; expect: refused
;; says: shared
(module (memory (export "memory") 1 2 shared) (func (export "_start")))
