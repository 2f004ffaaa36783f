;; Makes a stack of its own to switch to.
;; expect: refused
(module (type $f (func)) (type $c (cont $f)) (func $g) (elem declare func $g) (func $h (drop (cont.new $c (ref.func $g)))) (memory (export "memory") 1) (func (export "_start")))
