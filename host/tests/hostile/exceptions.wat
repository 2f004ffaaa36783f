;; Throws an exception, for which there is no support.
;; expect: refused
(module (tag $t) (memory (export "memory") 1) (func (export "_start") (throw $t)))
