package db

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlTLS sets c up as MySQL's own clients take ssl_mode, ssl_ca, ssl_cert and
// ssl_key: encrypted where the server can, and verified where a CA is named.
func mysqlTLS(c *mysql.Config, host string, query url.Values) error {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if file := query.Get("ssl_ca"); file != "" {
		pem, err := os.ReadFile(file)
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(pem) {
			return badAddress("its ssl_ca is no file of certificates that can be read")
		}
	}
	if file := query.Get("ssl_cert"); file != "" {
		pair, err := tls.LoadX509KeyPair(file, query.Get("ssl_key"))
		if err != nil {
			return badAddress("its ssl_cert and ssl_key are no pair of files that can be read")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	mode := strings.ToUpper(query.Get("ssl_mode"))
	if mode == "" && config.RootCAs != nil {
		mode = "VERIFY_CA"
	}
	switch mode {
	case "DISABLED":
		return nil
	case "", "PREFERRED":
		config.InsecureSkipVerify, c.AllowFallbackToPlaintext = true, true
	case "REQUIRED":
		config.InsecureSkipVerify = true
	case "VERIFY_CA":
		config.InsecureSkipVerify = true // of the host's name; the chain is verified here
		config.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, config.RootCAs) }
	case "VERIFY_IDENTITY":
	default:
		return badAddress("its ssl_mode is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY")
	}
	c.TLS = config
	return nil
}

func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}
