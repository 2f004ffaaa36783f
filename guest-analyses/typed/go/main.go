// An analysis for Belljar: a component of the world in wit/. What it exports stands in export_wit_world, where the generated
// bindings look for it.
package main

import _ "lines-go/bindings/wit_exports"

// Never called: a library has no beginning.
func main() {}
