;; Makes a hard link to its sample below /out: there are no links (GHSA-2r75).
;; expect: denied
;; says: hard link
(module
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "the_file")
  (data (i32.const 272) "x")
  (func (export "_start")
    (call $proc_exit (call $path_link (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 8) (i32.const 4) (i32.const 272) (i32.const 1)))))
