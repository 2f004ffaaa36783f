;; Writes one artifact for ever: a file has a cap.
;; expect: output-limit
;; limits: {"artifact_bytes": 1000000}
;; says: artifact_bytes
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 2)
  (data (i32.const 32) "big")
  (func (export "_start")
    (drop (call $o (i32.const 4) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 40)))
    (i32.store (i32.const 4) (i32.const 65536))
    (loop (drop (call $w (i32.load (i32.const 40)) (i32.const 0) (i32.const 1) (i32.const 16))) (br 0))))
