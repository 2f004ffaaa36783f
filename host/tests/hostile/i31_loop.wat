;; Makes references out of integers, which need the collector.
;; expect: refused
(module (memory (export "memory") 1) (func (export "_start") (drop (ref.i31 (i32.const 1)))))
