package link

import "testing"

// FuzzTimestamp holds the reader of control messages against any bytes.
func FuzzTimestamp(f *testing.F) {
	f.Add([]byte{32, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 35, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{17, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 35, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, oob []byte) {
		if ns, ok := timestampOf(oob); !ok && ns != 0 {
			t.Fatalf("no time, and %d ns", ns)
		}
	})
}
