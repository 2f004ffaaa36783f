;; Makes an array of 2^31 entries on the collected heap, which is off.
;; expect: refused
(module (type $a (array (mut i64))) (memory (export "memory") 1) (func (export "_start") (drop (array.new_default $a (i32.const 0x7fffffff)))))
