;; Has an `analyse` of another type than that of the typed world: it could be called by no run.
;; expect: refused
;; says: `analyse` is no `func(args: string) -> result<string, string>`
(component
  (core module $main (func (export "analyse") (param i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $main))
  (func $analyse (param "args" u32) (result u32) (canon lift (core func $m "analyse")))
  (export "analyse" (func $analyse)))
