;; Links to a name of 64 MiB that is no text: what is kept of it is short.
;; expect: out-of-fuel
;; limits: {"fuel_base": 50000000}
(module (import "wasi_snapshot_preview1" "path_symlink" (func $s (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1100)
  (func (export "_start")
    (memory.fill (i32.const 0) (i32.const 255) (i32.const 67108864))
    (loop (drop (call $s (i32.const 0) (i32.const 67108864) (i32.const 4) (i32.const 0) (i32.const 4))) (br 0))))
