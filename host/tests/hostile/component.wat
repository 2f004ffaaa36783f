;; Is a component without an entry point.
;; expect: refused
;; says: no entry point
(component)
