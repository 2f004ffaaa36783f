;; Asks for the size of its sample for ever: every call is charged.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "the_file")
  (func (export "_start")
    (loop (drop (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 8) (i32.const 512))) (br 0))))
