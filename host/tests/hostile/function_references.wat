;; Calls by typed reference, for which there is no support.
;; expect: refused
(module (type $f (func)) (func $g (param (ref null $f)) (call_ref $f (local.get 0))) (memory (export "memory") 1) (func (export "_start")))
