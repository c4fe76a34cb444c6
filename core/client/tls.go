package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// ErrTLS is wrapped by every complaint about the files of a TLS configuration.
var ErrTLS = errors.New("TLS is not set up")

// TLS reads what a client needs to speak to a node over TLS 1.3: a PEM file of
// the authorities that it trusts (empty: the system's), and its own certificate
// chain and key for nodes that want one (empty: none). The node's certificate
// must be for the host that is dialled, or for serverName if that is not empty.
func TLS(caFile, certFile, keyFile, serverName string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: serverName}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("%w: %w; name a PEM file of certificate authorities", ErrTLS, err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: %s has no certificate in PEM form; name a file of certificate authorities", ErrTLS, caFile)
		}
	}
	if (certFile == "") != (keyFile == "") {
		return nil, fmt.Errorf("%w: certificate %q with key %q; give both or neither", ErrTLS, certFile, keyFile)
	}
	if certFile != "" {
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %s with key %s: %w; give a PEM certificate chain and its PEM key", ErrTLS, certFile, keyFile, err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}
