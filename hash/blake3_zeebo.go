package hash

import "github.com/zeebo/blake3"

// zeebo is zeebo/blake3's hasher in one of the modes, for processors on which
// this package has no kernel of its own.
type zeebo struct{ *blake3.Hasher }

func zeeboDefault() zeebo { return zeebo{blake3.New()} }

func zeeboKeyed(key *[Size]byte) zeebo {
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		// Its one error is a key of another length than 32, which the type of
		// the parameter rules out.
		panic("hash: zeebo/blake3 refuses a key of 32 bytes: " + err.Error())
	}
	return zeebo{h}
}

func zeeboDeriveKey(context string) zeebo { return zeebo{blake3.NewDeriveKey(context)} }

// read fills dst with the output of msg. By their documentation neither of the
// two calls fails.
func (z zeebo) read(dst, msg []byte) {
	_, _ = z.Write(msg)
	_, _ = z.Digest().Read(dst)
}
