;; Imports sockets from the module of WASI, where only one runtime has them.
;; expect: refused
;; says: sock_open
(module (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32))) (memory (export "memory") 1) (func (export "_start")))
