package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// ErrTLS is wrapped by every complaint about the files of a TLS configuration.
var ErrTLS = errors.New("TLS is not set up")

// ServerTLS reads a server's certificate chain and key, PEM files both. With a
// file of certificate authorities, only clients with a certificate of one of
// them are served. TLS 1.3 is the only version spoken.
func ServerTLS(certFile, keyFile, clientCAFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate %s with key %s: %w; give a PEM certificate chain and its PEM key", ErrTLS, certFile, keyFile, err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}
	if clientCAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(clientCAFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; name a PEM file of certificate authorities", ErrTLS, err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%w: %s has no certificate in PEM form; name a file of certificate authorities", ErrTLS, clientCAFile)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg, nil
}
