package fair

// TryTake is Take that does not wait.
func (w *Worker[T]) TryTake() ([]*Part[T], bool) {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	ok := w.take()
	return w.parts, ok
}

// What tests reckon with.
const (
	Quantum     = quantum
	SuspectPart = suspectPart
	SuspectTake = suspectTake
)

// Suspect tells whether a client is one.
func (q *Queue[T]) Suspect(id uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.clients[id]
	return c != nil && c.score.suspect(q.cfg.Now())
}
