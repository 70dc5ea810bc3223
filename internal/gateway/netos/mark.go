package netos

import "fmt"

// Marked matches packets whose connection has the mark.
type Marked struct{ Value uint32 }

// Mark gives the packet's connection a mark.
type Mark struct{ Value uint32 }

func (m Marked) String() string { return fmt.Sprintf("ct mark 0x%08x", m.Value) }
func (m Mark) String() string   { return fmt.Sprintf("ct mark set 0x%08x", m.Value) }
