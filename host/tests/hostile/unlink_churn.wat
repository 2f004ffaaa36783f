;; Writes 64 KiB, unlinks it while open, and goes on without closing: what is unlinked counts as long as it is held.
;; expect: output-limit
;; limits: {"artifacts_bytes": 1048576}
;; says: artifacts_bytes
(module (import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $u (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "big")
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 65536))
    (loop
      (drop (call $o (i32.const 4) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 40)))
      (drop (call $w (i32.load (i32.const 40)) (i32.const 0) (i32.const 1) (i32.const 16)))
      (drop (call $u (i32.const 4) (i32.const 32) (i32.const 3)))
      (br 0))))
