;; Imports from WASI 0.0, whose structures differ.
;; expect: refused
;; says: wasi_unstable
(module (import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))
