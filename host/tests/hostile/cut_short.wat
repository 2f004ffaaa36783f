;; Ends in the middle of a section that says it is four gigabytes long.
;; expect: refused
;; says: not a WebAssembly module
(module binary "\00asm\01\00\00\00\0a\ff\ff\ff\ff\0f\01")
