;; Describes itself twice, once for each reader.
;; expect: refused
;; says: two
(module (@custom "belljar:analysis" "{\"name\":\"a\"}") (@custom "belljar:analysis" "{\"name\":\"b\"}") (memory (export "memory") 1) (func (export "_start")))
