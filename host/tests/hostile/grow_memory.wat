;; Takes memory until it is refused, then gives up.
(module (memory (export "memory") 2) (func (export "_start") (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))
