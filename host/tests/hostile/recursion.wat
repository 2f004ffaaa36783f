;; Calls itself without a bottom: its stack is bounded.
;; expect: stack-overflow
(module (memory (export "memory") 2) (func $r (export "_start") (call $r)))
