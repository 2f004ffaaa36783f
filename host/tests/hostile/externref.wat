;; Keeps references of the host's, for which an engine has a heap and no worker has: each cost a worker its life.
;; expect: refused
;; says: gc types are disallowed
(module
  (memory (export "memory") 1)
  (table $t 1 externref)
  (global $g (mut externref) (ref.null extern))
  (func (export "_start")
    (table.set $t (i32.const 0) (global.get $g))
    (global.set $g (table.get $t (i32.const 0)))))
