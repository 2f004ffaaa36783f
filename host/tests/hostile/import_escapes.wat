;; Imports a name with escape codes and a newline: what is told of it has none.
;; expect: refused
;; says: env\u{1b}[2J.a\nb
(module (import "env\1b[2J" "a\0ab" (func)) (memory (export "memory") 1) (func (export "_start")))
