;; Never ends.
(module (memory (export "memory") 2) (func (export "_start") (loop (br 0))))
