;; Imports its memory, and there is nobody to have it from.
;; expect: refused
;; says: env.memory
(module (import "env" "memory" (memory 1)) (func (export "_start")))
