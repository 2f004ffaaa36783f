;; Adds numbers of 128 bits in one instruction, a proposal that is off.
;; expect: refused
(module (memory (export "memory") 1) (func (export "_start") (drop (i64.add (i64.add128 (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4))))))
