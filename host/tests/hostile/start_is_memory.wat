;; Exports its memory under the name of the entry point.
;; expect: refused
;; says: _start
(module (memory (export "_start") 1))
