;; Traps before its entry point.
(module (memory (export "memory") 2) (func $s unreachable) (start $s) (func (export "_start")))
