;; Never gets as far as its entry point.
(module (memory (export "memory") 2) (func $s (loop (br 0))) (start $s) (func (export "_start")))
