package validate

import (
	"container/list"
	"sync"
	"time"
)

// node is the place of one name in the chain of trust.
type node struct {
	status Status // Secure: the name lies in zone, whose keys are trusted
	zone   *zone  // the closest zone at or above the name, for Secure
	closed bool   // no zone cut can lie below the name
	fail   failure
	ttl    uint32 // seconds from made
	made   time.Time
}

// open says whether a zone cut may lie below.
func (n node) open() bool { return n.status == Secure && !n.closed }

// left is how many seconds the node is still good, 0 when it is not. A clock
// that was set back makes every node stale, so that nothing outlives its time.
func (n node) left(now time.Time) uint32 {
	age := now.Sub(n.made)
	if age < 0 || age >= time.Duration(n.ttl)*time.Second {
		return 0
	}
	return n.ttl - uint32(age/time.Second)
}

// nodeCache keeps nodes by canonical name, the least recently used ones leave
// first.
type nodeCache struct {
	mu    sync.Mutex
	size  int
	order *list.List // of cached, the most recently used in front
	at    map[string]*list.Element
}

type cached struct {
	name string
	node node
}

func newNodeCache(size int) *nodeCache {
	return &nodeCache{size: size, order: list.New(), at: map[string]*list.Element{}}
}

func (c *nodeCache) get(name string, now time.Time) (node, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[name]
	if e == nil {
		return node{}, false
	}
	n := e.Value.(cached).node
	if n.left(now) == 0 {
		c.drop(e)
		return node{}, false
	}
	c.order.MoveToFront(e)
	return n, true
}

func (c *nodeCache) put(name string, n node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.at[name]; e != nil {
		c.drop(e)
	}
	for c.order.Len() >= c.size {
		c.drop(c.order.Back())
	}
	c.at[name] = c.order.PushFront(cached{name, n})
}

func (c *nodeCache) drop(e *list.Element) {
	delete(c.at, e.Value.(cached).name)
	c.order.Remove(e)
}

func (c *nodeCache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
