;; Traps before its entry point.
;; expect: trap
;; says: unreachable
(module (memory (export "memory") 2) (func $s unreachable) (start $s) (func (export "_start")))
