;; Makes a file of 8 TiB that costs nothing but a number: a hole counts as bytes.
;; expect: output-limit
;; says: artifact_bytes
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $s (param i32 i64) (result i32))) (memory (export "memory") 2)
  (data (i32.const 32) "big")
  (func (export "_start")
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 40)))
    (drop (call $s (i32.load (i32.const 40)) (i64.const 8796093022208)))))
