;; Is a component, for which there is no support.
;; expect: refused
;; says: components
(component)
