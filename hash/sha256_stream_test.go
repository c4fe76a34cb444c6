package hash_test

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"errors"
	gohash "hash"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/hash/hashtest"
)

// streams runs a test over every implementation of the stream.
func streams(t *testing.T, run func(t *testing.T, newHash func() gohash.Hash)) {
	for _, im := range hash.Implementations() {
		if im.Kernel != "sha256_stream" {
			continue
		}
		t.Run(im.Name, func(t *testing.T) {
			if im.Unavailable != "" {
				t.Skip(im.Unavailable)
			}
			run(t, im.Stream)
		})
	}
}

func TestSHA256Streams(t *testing.T) {
	streams(t, func(t *testing.T, newHash func() gohash.Hash) {
		hashtest.Stream(t, newHash, func(msg []byte) [hash.Size]byte { return sha256.Sum256(msg) })
		hashtest.HMACSHA256(t, newHash)
	})
}

// TestStreamStates moves a state between every stream and crypto/sha256, in
// both directions, at any point: the bytes are the same, and either resumes
// the other's.
func TestStreamStates(t *testing.T) {
	streams(t, func(t *testing.T, newHash func() gohash.Hash) {
		rapid.Check(t, func(t *rapid.T) {
			msg := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "msg")
			at := rapid.IntRange(0, len(msg)).Draw(t, "at")
			want := sha256.Sum256(msg)
			ours, std := newHash(), sha256.New()
			ours.Write(msg[:at])
			std.Write(msg[:at])
			state, stdState := marshalled(t, ours), marshalled(t, std)
			if !bytes.Equal(state, stdState) {
				t.Fatalf("state %x, crypto/sha256's is %x", state, stdState)
			}
			for name, resumed := range map[string]gohash.Hash{"ours": newHash(), "crypto/sha256": sha256.New(), "clone": clone(t, ours)} {
				if name != "clone" {
					resumed.Write([]byte("something before"))
					if err := resumed.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
						t.Fatal(err)
					}
				}
				resumed.Write(msg[at:])
				if got := resumed.Sum(nil); !bytes.Equal(got, want[:]) {
					t.Fatalf("%s resumed after %d of %d bytes: %x, want %x", name, at, len(msg), got, want)
				}
			}
			if !bytes.Equal(marshalled(t, ours), state) {
				t.Fatal("the clone shares its state with the stream")
			}
		})
	})
}

func marshalled(t *rapid.T, h gohash.Hash) []byte {
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	appended, err := h.(encoding.BinaryAppender).AppendBinary([]byte("x"))
	if err != nil || !bytes.Equal(appended[1:], state) {
		t.Fatalf("AppendBinary: %x, %v; MarshalBinary: %x", appended, err, state)
	}
	return state
}

func clone(t *rapid.T, h gohash.Hash) gohash.Hash {
	c, err := h.(gohash.Cloner).Clone()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFIPSStreams runs itself in a child process in FIPS 140-3 mode, where
// crypto/hmac panics on a hash that is not the standard library's.
func TestFIPSStreams(t *testing.T) {
	const child = "WEIR_TEST_CHILD_FIPS"
	key := []byte("a key of thirty-two bytes, or so")
	if os.Getenv(child) != "" {
		if !fips140.Enabled() {
			t.Fatal("not in FIPS 140-3 mode")
		}
		mac, want := hmac.New(hash.NewSHA256, key), hmac.New(sha256.New, key)
		mac.Write(key)
		want.Write(key)
		if !hmac.Equal(mac.Sum(nil), want.Sum(nil)) {
			t.Error("wrong tag")
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestFIPSStreams$")
	// Asking for another implementation must be in vain.
	cmd.Env = append(os.Environ(), child+"=1", "GODEBUG=fips140=only", cpu.EnvName+"=sha256_stream:generic")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this program runs under an emulator, and the system cannot start it as a child without")
	}
	if bytes.Contains(out, []byte("FIPS 140-3 mode is incompatible with")) {
		t.Skip("the standard library refuses FIPS 140-3 mode in a build with the tag purego")
	}
	if err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestStreamRefusesStates expects an error and an unchanged stream.
func TestStreamRefusesStates(t *testing.T) {
	streams(t, func(t *testing.T, newHash func() gohash.Hash) {
		state, err := sha256.New().(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string][]byte{
			"empty": nil, "short": state[:len(state)-1], "long": append(bytes.Clone(state), 0),
			"SHA-224": append([]byte("sha\x02"), state[4:]...), "magic only": state[:4],
		} {
			h := newHash()
			h.Write([]byte("abc"))
			before := h.Sum(nil)
			if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(bad); err == nil {
				t.Errorf("%s: accepted", name)
			}
			if !bytes.Equal(h.Sum(nil), before) {
				t.Errorf("%s: the stream was changed", name)
			}
		}
	})
}
