;; Lists its files again and again to where there is no memory: the looking up is charged all the same.
;; expect: out-of-fuel
;; limits: {"fuel_base": 12000000, "fuel_per_byte": 0}
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    ;; `aa`, `ba`, `ca` … in /out, none of which is kept open.
    (loop $make
      (i32.store (i32.const 0) (i32.add (i32.const 0x6161) (local.get $n)))
      (if (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))
        (then unreachable))
      (drop (call $close (i32.load (i32.const 8))))
      (br_if $make (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20))))
    (local.set $n (i32.const 0))
    (loop $again
      (if (i32.ne (call $list (i32.const 4) (i32.const -4096) (i32.const 4096) (i64.const 0) (i32.const 16)) (i32.const 21))
        (then unreachable))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))))
