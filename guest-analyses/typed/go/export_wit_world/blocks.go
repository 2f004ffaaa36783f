package export_wit_world

import (
	"runtime"
	"runtime/debug"

	witRuntime "go.bytecodealliance.org/pkg/wit/runtime"

	sample "lines-go/bindings/belljar_analysis_sample"
)

const (
	blockBytes   = 1 << 16
	collectBytes = 1 << 24
)

// While the host asks the component for memory, the component must not call the host. Go's collector does, for the time, so
// if it began just then the run would end with the trap "cannot leave component instance" (issue 14318 of wasmtime). Hence
// it begins between two reads, and nowhere else.
func init() {
	debug.SetGCPercent(-1)
}

// blocks gives the sample block by block; what is given is not to be kept.
func blocks(each func(block []byte)) {
	for offset := uint64(0); ; {
		block := sample.Read(offset, blockBytes)
		// The bindings would hold on to every block until the end.
		witRuntime.Unpin()
		if len(block) == 0 {
			return
		}
		each(block)
		offset += uint64(len(block))
		if offset%collectBytes == 0 {
			runtime.GC()
		}
	}
}
