package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrInit is wrapped by every complaint about making certificates.
var ErrInit = errors.New("no certificates were made")

// Files that Init makes.
const (
	FileCA       = "ca.pem"
	FileAgent    = "agent.pem"
	FileAgentKey = "agent-key.pem"
	FileRun      = "run.pem"
	FileRunKey   = "run-key.pem"
)

// Init makes a small authority and one certificate for each end, in PEM files
// in dir: ca.pem for both ends, agent.pem and agent-key.pem for the agent (good
// for the given names and addresses only), run.pem and run-key.pem for the run.
// The keys are Ed25519. The authority's own key is thrown away, so that nobody
// can ever add a third certificate. The files are for this user only (0600);
// existing ones are never overwritten: then nothing is made.
func Init(dir string, hosts []string, validFor time.Duration) error {
	if len(hosts) == 0 {
		return fmt.Errorf("%w: no host; name the address that the run will dial", ErrInit)
	}
	if validFor <= 0 {
		return fmt.Errorf("%w: a validity of %v; give one above zero", ErrInit, validFor)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w; name a folder that you can make", ErrInit, err)
	}
	for _, name := range []string{FileCA, FileAgent, FileAgentKey, FileRun, FileRunKey} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s is there already (%w); name another folder", ErrInit, filepath.Join(dir, name), orExists(err))
		}
	}
	files, err := issue(hosts, validFor)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInit, err)
	}
	var written []string
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := writeNew(path, f.pem); err != nil {
			for _, p := range written {
				os.Remove(p)
			}
			return fmt.Errorf("%w: %w", ErrInit, err)
		}
		written = append(written, path)
	}
	return nil
}

func orExists(err error) error {
	if err == nil {
		return fs.ErrExist
	}
	return err
}

type pemFile struct {
	name string
	pem  []byte
}

// issue makes the authority and the two certificates.
func issue(hosts []string, validFor time.Duration) ([]pemFile, error) {
	from := time.Now().Add(-5 * time.Minute) // the other end's clock may be behind
	template := func(name string) (*x509.Certificate, error) {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		return &x509.Certificate{
			SerialNumber: serial, Subject: pkix.Name{CommonName: name},
			NotBefore: from, NotAfter: time.Now().Add(validFor),
		}, err
	}
	ca, err := template("weir agent authority")
	if err != nil {
		return nil, err
	}
	ca.IsCA, ca.BasicConstraintsValid, ca.MaxPathLenZero = true, true, true
	ca.KeyUsage = x509.KeyUsageCertSign
	caPub, caKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caPub, caKey)
	if err != nil {
		return nil, err
	}
	out := []pemFile{{FileCA, encode("CERTIFICATE", caDER)}}
	for _, end := range []struct {
		name, cert, key string
		use             x509.ExtKeyUsage
	}{
		{"weir agent", FileAgent, FileAgentKey, x509.ExtKeyUsageServerAuth},
		{"weir run", FileRun, FileRunKey, x509.ExtKeyUsageClientAuth},
	} {
		c, err := template(end.name)
		if err != nil {
			return nil, err
		}
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{end.use}
		if end.use == x509.ExtKeyUsageServerAuth {
			for _, h := range hosts {
				if ip := net.ParseIP(h); ip != nil {
					c.IPAddresses = append(c.IPAddresses, ip)
				} else {
					c.DNSNames = append(c.DNSNames, h)
				}
			}
		}
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, pub, caKey)
		if err != nil {
			return nil, err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		out = append(out, pemFile{end.cert, encode("CERTIFICATE", der)}, pemFile{end.key, encode("PRIVATE KEY", private)})
	}
	return out, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// writeNew writes a file that must not exist, and removes what it made of it
// when it fails.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
