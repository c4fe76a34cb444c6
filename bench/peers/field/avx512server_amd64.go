//go:build gc && !noasm && !appengine

package field

import (
	"sync"

	minio "github.com/minio/sha256-simd"

	"github.com/chainweir/weir/asm/cpu"
)

// serverUsers is the number of goroutines that give the server work: one for
// each of its lanes, which it needs to fill them.
const serverUsers = 16

func serverUnavailable() string {
	return cpu.Requires("AVX512F", "AVX512DQ", "AVX512BW", "AVX512VL")
}

// newServerJob starts a server. It cannot be stopped.
func newServerJob(msgs [][]byte) job {
	server := minio.NewAvx512Server()
	return func(dst []byte) error {
		var wg sync.WaitGroup
		errs := make([]error, serverUsers)
		for user := range serverUsers {
			wg.Go(func() {
				h := minio.NewAvx512(server)
				for i := user; i < len(msgs); i += serverUsers {
					h.Reset()
					if _, err := h.Write(msgs[i]); err != nil {
						errs[user] = err
						return
					}
					h.Sum(dst[i*digestSize : i*digestSize])
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
