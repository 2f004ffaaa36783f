;; Makes a directory beside its sample: the directory is read-only.
;; expect: denied
;; says: read-only
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "new")
  (func (export "_start")
    (call $proc_exit (call $path_create_directory (i32.const 3) (i32.const 256) (i32.const 3)))))
