;; Imports a function of WASI with another type.
;; expect: refused
;; says: fd_write
(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64))) (memory (export "memory") 1) (func (export "_start")))
