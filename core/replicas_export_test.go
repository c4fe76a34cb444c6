package core

// WaitDurable waits until a node has a block on disk, or ends.
func WaitDurable(n *Node, height uint64) error { return n.durable.wait(n.ctx, height) }
