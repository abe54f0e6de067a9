// Package memory keeps what is large, such as an import or a list of a million serials, from taking several times of
// what it needs.
package memory

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// BeginLarge has the collector come sooner until what is large is done, which end says: a program whose rows take 30 MB
// would else let as much garbage wait beside them, and more on a busy machine. Then what it leaves behind is given back.
func BeginLarge() (end func()) {
	collecting.begin()
	return func() {
		collecting.end()
		giveBack()
	}
}

var collecting collector

// collector keeps what large works leave behind for a while from adding up.
type collector struct {
	mu     sync.Mutex
	large  int // works under way
	before int64
	usual  struct {
		percent int
		limit   int64
	}
}

// largeWork is how much memory a large work may take before the collector works for as long as it needs, in bytes.
const largeWork = 144 << 20

func (c *collector) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.large++; c.large == 1 {
		runtime.GC() // what it takes by itself is no garbage
		c.before = inUse()
		c.usual.percent, c.usual.limit = debug.SetGCPercent(20), debug.SetMemoryLimit(-1)
	}
	c.limit()
}

func (c *collector) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.large--; c.large > 0 {
		c.limit()
		return
	}
	debug.SetGCPercent(c.usual.percent)
	debug.SetMemoryLimit(c.usual.limit)
}

// limit lets each large work take its share beside what the program had before them.
func (c *collector) limit() {
	debug.SetMemoryLimit(min(c.usual.limit, c.before+int64(c.large)*largeWork))
}

// inUse returns how much memory of the program has something in it, in bytes.
func inUse() int64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.Sys - memory.HeapSys + memory.HeapInuse)
}

// muchMemory is more than the program needs without large imports, in bytes. The collector gives back what they leave
// behind in minutes; imports in a row would add up until then.
const muchMemory = 128 << 20

// giveBack returns to the system what large works leave behind.
func giveBack() {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.HeapSys-memory.HeapReleased > muchMemory {
		go debug.FreeOSMemory()
	}
}
