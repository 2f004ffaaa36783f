;; Describes itself in what is no text.
;; expect: refused
;; says: UTF-8
(module (@custom "belljar:analysis" "\ff\fe") (memory (export "memory") 1) (func (export "_start")))
