package hashtest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/internal/guard"
)

// RequireName is the environment variable that lists implementations which
// must be available.
const RequireName = "WEIR_REQUIRE_IMPL"

// RunAll runs the suite over a list of implementations, usually
// hash.Implementations(), one subtest each.
func RunAll(t *testing.T, list []hash.Implementation) {
	required := splitList(os.Getenv(RequireName))
	if missing := notListed(required, list); len(missing) > 0 {
		t.Errorf("%s asks for %s, which is not registered", RequireName, strings.Join(missing, ", "))
	}
	for _, im := range list {
		t.Run(im.Kernel+"/"+im.Name, func(t *testing.T) {
			if im.Unavailable != "" {
				if slices.Contains(required, im.Kernel+":"+im.Name) {
					t.Fatalf("required by %s, but not available: %s", RequireName, im.Unavailable)
				}
				t.Skipf("not available here: %s", im.Unavailable)
			}
			Run(t, im)
		})
	}
}

func splitList(s string) []string {
	var list []string
	for entry := range strings.SplitSeq(s, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}

func notListed(required []string, list []hash.Implementation) []string {
	var missing []string
	for _, entry := range required {
		if !slices.ContainsFunc(list, func(im hash.Implementation) bool { return im.Kernel+":"+im.Name == entry }) {
			missing = append(missing, entry)
		}
	}
	return missing
}

// check is one property. It returns an error and does not fail a test itself,
// so that the suite can be tried on implementations that are wrong on purpose.
type check struct {
	name string
	run  func(im hash.Implementation) error
}

// Run runs every check for the kernel of im.
func Run(t *testing.T, im hash.Implementation) {
	list, err := checks(im)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(im)
			if errors.Is(err, guard.ErrUnsupported) {
				t.Skip(err.Error())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	switch im.Kernel {
	case "blake3":
		t.Run("official vectors", func(t *testing.T) { blake3Vectors(t, im.One) })
	case "blake3_many":
		t.Run("official vectors", func(t *testing.T) { blake3BatchVectors(t, im) })
	}
}

// checks returns the suite for the kernel of im, or an error for a kernel that
// the suite does not know: an untested kernel must not look like a tested one.
func checks(im hash.Implementation) ([]check, error) {
	var complete bool
	var list []check
	switch im.Kernel {
	case "sha256", "sha256_stream":
		complete = im.One != nil
		list = slices.Concat(fipsChecks, oneChecks(sumSHA256, 64, 2*denseLengths))
	case "blake3":
		complete = im.One != nil
		list = slices.Concat(blake3Facts, oneChecks(sumBLAKE3, 1024, (2*maxLanes+2)*1024))
	case "sha256_pairs", "sha256_nodes", "sha256d_pairs":
		complete = im.Pairs != nil
		list = pairChecks(pairReference[im.Kernel])
	case "blake3_parents":
		complete = im.Pairs != nil
		list = append(pairChecks(pairReference[im.Kernel]), parentTrees)
	case "blake3_chunks":
		complete = im.Chunks != nil
		list = chunkChecks
	case "sha256_many":
		complete = im.Many != nil && im.Leaves != nil && im.Records != nil
		list = slices.Concat(manyChecks(sumSHA256), fipsBatches, leafChecks, recordChecks)
	case "blake3_many":
		complete = im.Many != nil
		list = slices.Concat(manyChecks(sumBLAKE3), blake3Batches)
	default:
		return nil, fmt.Errorf("hashtest: kernel %q has no checks; add them", im.Kernel)
	}
	if !complete {
		return nil, fmt.Errorf("hashtest: %s:%s lacks a function of its kernel", im.Kernel, im.Name)
	}
	return list, nil
}
