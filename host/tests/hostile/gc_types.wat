;; Has types for the garbage collector, which is off (GHSA-43j2).
;; expect: refused
(module (type $s (struct (field (mut i32)))) (func $f (drop (struct.new $s (i32.const 1)))) (memory (export "memory") 1) (func (export "_start")))
