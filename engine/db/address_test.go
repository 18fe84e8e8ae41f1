package db_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
	"github.com/cloakroom-go/cloakroom/internal/server"
)

func TestOpenRefusesServerAddresses(t *testing.T) {
	t.Parallel()
	const password = "the password"
	for address, want := range map[string]string{
		"mysql://u:the%20password@127.0.0.1":                                    "names no database",
		"mysql://u:the%20password@127.0.0.1/":                                   "names no database",
		"mysql://u:the%20password@/d":                                           "names no host",
		"mysql://u:the%20password@127.0.0.1:x/d":                                "is no URL",
		"mysql://u:the password@127.0.0.1/d":                                    "is no URL",
		"mysql://u:the%20password@127.0.0.1/d?timeout=1":                        "a parameter that is not known",
		"mysql://u:the%20password@127.0.0.1/d?ssl_mode=MAYBE":                   "ssl_mode is none of",
		"mysql://u:the%20password@127.0.0.1/d?ssl_ca=/missing.pem":              "ssl_ca is no file",
		"mysql://u:the%20password@127.0.0.1/d?ssl_cert=/missing&ssl_key=/m.pem": "ssl_cert and ssl_key are no pair",
		"postgres://u:the%20password@127.0.0.1/d?sslmode=maybe":                 "the driver does not take it",
		"postgres://u:the%20password@127.0.0.1/d?sslrootcert=/missing.pem":      "the driver does not take it",
		"oracle://u:the%20password@127.0.0.1/d":                                 "begins with none of",
	} {
		_, err := db.Open(t.Context(), address)
		if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		} else if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), url.PathEscape(password)) {
			t.Errorf("%s: the error tells the password", address)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, b brand) {
		s := b.shared(t)
		u, err := url.Parse(s.NewDatabase(t).URL)
		if err != nil {
			t.Fatal(err)
		}
		query := url.Values{"unix_socket": {s.Socket}}
		if b.name == "PostgreSQL" {
			query = url.Values{"host": {s.Dir}, "port": {u.Port()}}
		}
		u.Host, u.RawQuery = "", query.Encode()
		e := openAt(t, u.String())
		migrate(t, e)
		create(t, e, nil)
		d := e.Describe()
		if d.BackEnd != b.name || !strings.HasPrefix(d.Location, s.Dir) || strings.Contains(d.Location, "password") {
			t.Errorf("Describe: %+v", d)
		}
	})
}

func TestMySQLEncryption(t *testing.T) {
	t.Parallel()
	certificate, key := certify(t)
	other, _ := certify(t)
	encrypting := server.MariaDB(t, "--ssl-cert="+certificate, "--ssl-key="+key).NewDatabase(t).URL
	plain := brands[0].shared(t).NewDatabase(t).URL
	for _, c := range []struct {
		name, address string
		query         url.Values
		encrypted     bool
		refused       string
	}{
		{"preferred and there", encrypting, nil, true, ""},
		{"preferred and not there", plain, nil, false, ""},
		{"disabled", encrypting, url.Values{"ssl_mode": {"disabled"}}, false, ""},
		{"required and there", encrypting, url.Values{"ssl_mode": {"REQUIRED"}}, true, ""},
		{"required and not there", plain, url.Values{"ssl_mode": {"REQUIRED"}}, false, "does not encrypt"},
		{"its CA", encrypting, url.Values{"ssl_ca": {certificate}}, true, ""},
		{"another CA", encrypting, url.Values{"ssl_ca": {other}}, false, "certificate cannot be verified"},
		{"its CA and name", encrypting, url.Values{"ssl_ca": {certificate}, "ssl_mode": {"VERIFY_IDENTITY"}}, true, ""},
		{"its CA, another name", strings.Replace(encrypting, "127.0.0.1", "localhost", 1), url.Values{"ssl_ca": {certificate}, "ssl_mode": {"VERIFY_IDENTITY"}}, false, "certificate cannot be verified"},
		{"no CA", encrypting, url.Values{"ssl_mode": {"VERIFY_IDENTITY"}}, false, "certificate cannot be verified"},
	} {
		e, err := db.Open(t.Context(), c.address+"?"+c.query.Encode())
		if c.refused != "" {
			if !errors.Is(err, cloakroom.ErrConfig) || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v, want %q", c.name, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		cipher := answer(t, e, `SHOW STATUS LIKE 'Ssl_cipher'`)
		if encrypted := strings.TrimSpace(cipher) != "Ssl_cipher"; encrypted != c.encrypted {
			t.Errorf("%s: encrypted: %v", c.name, encrypted)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// certify makes a certificate for 127.0.0.1 that vouches for itself.
func certify(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	for name, block := range map[string]*pem.Block{
		"certificate.pem": {Type: "CERTIFICATE", Bytes: signed}, "key.pem": {Type: "PRIVATE KEY", Bytes: encoded},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
}
