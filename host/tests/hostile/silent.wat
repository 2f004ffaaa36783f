;; Prints nothing: no result.
;; expect: bad-output
;; says: empty
(module (memory (export "memory") 2) (func (export "_start")))
