;; Makes an integer of what is no number.
;; expect: trap
;; says: conversion
(module
  (memory (export "memory") 2)
  (func (export "_start")
    (drop (i32.trunc_f64_s (f64.const nan)))))
