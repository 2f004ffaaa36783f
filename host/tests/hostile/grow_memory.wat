;; Takes memory until it is refused, then gives up.
;; expect: memory-limit
;; limits: {"memory_bytes": 1048576}
;; says: refused more memory
(module (memory (export "memory") 2) (func (export "_start") (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))
