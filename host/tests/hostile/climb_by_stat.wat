;; Asks whether a file of the host exists: nothing of the host has a name here.
;; expect: denied
;; says: outside
(module
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "../../etc/shadow")
  (func (export "_start")
    (call $proc_exit (call $path_filestat_get (i32.const 4) (i32.const 1) (i32.const 256) (i32.const 16) (i32.const 512)))))
