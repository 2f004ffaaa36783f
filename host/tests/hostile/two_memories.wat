;; Has two memories, each as large as allowed (GHSA-852m).
;; expect: refused
;; says: memories
(module (memory 1) (memory (export "memory") 1) (func (export "_start")))
