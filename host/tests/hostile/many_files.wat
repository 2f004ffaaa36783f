;; Makes a directory for every count: names have a quota.
;; expect: output-limit
;; limits: {"artifacts_count": 20}
;; says: artifacts_count
(module (import "wasi_snapshot_preview1" "path_create_directory" (func $m (param i32 i32 i32) (result i32))) (memory (export "memory") 2)
  (func (export "_start")
    (loop
      (i32.store (i32.const 0) (i32.or (i32.const 0x40404040) (i32.load (i32.const 8))))
      (drop (call $m (i32.const 4) (i32.const 0) (i32.const 4)))
      (i32.store (i32.const 8) (i32.and (i32.const 0x3f3f3f3f) (i32.add (i32.load (i32.const 8)) (i32.const 0x00010001))))
      (br 0))))
