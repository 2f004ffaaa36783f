;; Has a resource whose destructor makes another and drops it, which never ends (GHSA-q554).
;; expect: stack-overflow
(component
  (core module $late
    (table (export "calls") 2 funcref)
    (type $make (func (param i32) (result i32)))
    (type $drop (func (param i32)))
    (func (export "make") (param i32) (result i32) (call_indirect (type $make) (local.get 0) (i32.const 0)))
    (func (export "destroy") (param i32)
      (call_indirect (type $drop) (call_indirect (type $make) (local.get 0) (i32.const 0)) (i32.const 1))))
  (core instance $l (instantiate $late))
  (type $t (resource (rep i32) (dtor (core func $l "destroy"))))
  (core func $new (canon resource.new $t))
  (core func $drop (canon resource.drop $t))
  (core module $fill
    (import "" "calls" (table 2 funcref))
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (elem (i32.const 0) func $new $drop)
    (func (export "run") (result i32) (call $drop (call $new (i32.const 1))) (i32.const 0)))
  (core instance $m (instantiate $fill (with "" (instance
    (export "calls" (table $l "calls")) (export "new" (func $new)) (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $entry (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
