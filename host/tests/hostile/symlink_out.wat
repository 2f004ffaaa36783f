;; Plants a link to a file of the host, and exits when it cannot.
;; expect: denied
;; says: symbolic link
(module (import "wasi_snapshot_preview1" "path_symlink" (func $s (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "../../etc/passwd") (data (i32.const 64) "x")
  (func (export "_start")
    (call $e (call $s (i32.const 32) (i32.const 17) (i32.const 4) (i32.const 64) (i32.const 1)))))
