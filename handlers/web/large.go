package web

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// BeginLarge has the collector come sooner until the request is answered, which end says: a program whose rows take 30 MB
// would else let as much garbage wait beside them. Then what it leaves behind is given back.
func BeginLarge() (end func()) {
	collecting.begin()
	return func() {
		collecting.end()
		giveBack()
	}
}

var collecting collector

type collector struct {
	mu    sync.Mutex
	large int // requests
	usual int // percent
}

func (c *collector) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.large++; c.large == 1 {
		c.usual = debug.SetGCPercent(40)
	}
}

func (c *collector) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.large--; c.large == 0 {
		debug.SetGCPercent(c.usual)
	}
}

// muchMemory is more than the program needs without large imports, in bytes. The collector gives back what they leave
// behind in minutes; imports in a row would add up until then.
const muchMemory = 128 << 20

// giveBack returns to the system what a large import leaves behind.
func giveBack() {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.HeapSys-memory.HeapReleased > muchMemory {
		go debug.FreeOSMemory()
	}
}
