;; No bottom.
(module (memory (export "memory") 2) (func $r (export "_start") (call $r)))
