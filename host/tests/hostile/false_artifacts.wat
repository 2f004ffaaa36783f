;; Names artifacts that are not there, and files of the host: no link is made of them, and no file opened.
;; expect: successful
;; says: {"a":"/out/none","b":"/out/../x","c":"/etc/passwd"}
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\33\00\00\00")
  (data (i32.const 16) "{\"a\":\"/out/none\",\"b\":\"/out/../x\",\"c\":\"/etc/passwd\"}")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
