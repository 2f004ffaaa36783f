;; Keeps what it was lent when its call is over.
;; expect: trap
;; says: borrow handles still remain
(component
  (component $owner
    (type $t' (resource (rep i32)))
    (export $t "t" (type $t'))
    (core func $new (canon resource.new $t'))
    (core module $main
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 1))))
    (core instance $m (instantiate $main (with "" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $t)) (canon lift (core func $m "make"))))
  (component $keeper
    (import "t" (type $t (sub resource)))
    (core module $main (func (export "keep") (param i32)))
    (core instance $m (instantiate $main))
    (func (export "keep") (param "it" (borrow $t)) (canon lift (core func $m "keep"))))
  (component $main
    (import "t" (type $t (sub resource)))
    (import "make" (func $make (result (own $t))))
    (import "keep" (func $keep (param "it" (borrow $t))))
    (core func $make' (canon lower (func $make)))
    (core func $keep' (canon lower (func $keep)))
    (core module $main
      (import "" "make" (func $make (result i32)))
      (import "" "keep" (func $keep (param i32)))
      (func (export "run") (result i32) (call $keep (call $make)) (i32.const 0)))
    (core instance $m (instantiate $main
      (with "" (instance (export "make" (func $make')) (export "keep" (func $keep'))))))
    (func (export "run") (result (result)) (canon lift (core func $m "run"))))
  (instance $o (instantiate $owner))
  (alias export $o "t" (type $t))
  (instance $k (instantiate $keeper (with "t" (type $t))))
  (instance $entry (instantiate $main
    (with "t" (type $t)) (with "make" (func $o "make")) (with "keep" (func $k "keep"))))
  (export "wasi:cli/run@0.2.0" (instance $entry)))
