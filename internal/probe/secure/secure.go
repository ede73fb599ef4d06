// Package secure makes the TLS connections of probes: with or without looking
// at who answers, with or without a certificate of our own.
//
// Without verification any certificate and any version of TLS will do, since
// the question is whether the server answers and not who it is. A certificate
// that will expire soon is told beside the result and is no failure. Files
// are in files.go, encrypted keys in pkcs8.go; what is spoken over the
// connection is the probes' affair.
package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Config says how to make a connection. Names in brackets are the keywords of
// the configuration.
type Config struct {
	Name string // in the handshake [sni_name, enable_sni]; empty = none
	// Verify that a known authority signed for Whom [tls_verify].
	Verify bool
	Whom   string // a name or an address
	CA     string // file of authorities [tls_ca]; empty = the system's
	// Files of our own certificate and its key, and the key's password
	// [tls_certificate, tls_key, tls_password]; empty = none.
	Certificate, Key, Password string
	// ExpiryWarn is how long before the end of a certificate a warning is due
	// [tls_expiry_warn]; 0 = never.
	ExpiryWarn time.Duration
	// Farewell says goodbye as TLS wants it [tls_compliant].
	Farewell  bool
	Protocols []string // ALPN; empty = none
}

// Client makes connections. It is safe for concurrent use.
type Client struct {
	cfg   Config
	store *store
}

// New makes a Client. Files are read at once, and again when they change.
func New(c Config) *Client {
	return &Client{cfg: c, store: open(files{c.CA, c.Certificate, c.Key, c.Password})}
}

// Conn is a connection, with what is to be told of its certificate.
type Conn struct {
	*tls.Conn
	Warning  string // empty = nothing
	farewell bool
}

// Handshake makes raw a TLS connection. raw is not closed on an error.
func (c *Client) Handshake(ctx context.Context, raw net.Conn) (*Conn, error) {
	roots, own, err := c.store.current()
	if err != nil {
		return nil, ours{err}
	}
	cfg := &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection does it, if it is wanted
		ServerName:         c.cfg.Name,
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allCiphers(),
		NextProtos:         c.cfg.Protocols,
	}
	if own != nil {
		cfg.Certificates = []tls.Certificate{*own}
	}
	if c.cfg.Verify {
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			return verify(s.PeerCertificates, roots, c.cfg.Whom, time.Now())
		}
	}
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return &Conn{
		Conn: conn, farewell: c.cfg.Farewell,
		Warning: expiring(conn.ConnectionState().PeerCertificates, c.cfg.ExpiryWarn, time.Now()),
	}, nil
}

// Talk has talk say what is to be said over raw, within TLS unless c is nil. It
// reports whether leave was taken: raw may then not be closed with a reset.
func (c *Client) Talk(ctx context.Context, raw net.Conn, patience time.Duration, talk func(net.Conn) probe.Result) (r probe.Result, farewell bool) {
	if c == nil {
		return talk(raw), false
	}
	conn, err := c.Handshake(ctx, raw)
	if err != nil {
		return Failed(err, patience), false
	}
	r = talk(conn)
	r.Warning = conn.Warning
	return r, conn.Farewell()
}

// Farewell takes leave if the connection is to, and reports whether it has;
// what is below may then not be closed with a reset.
func (c *Conn) Farewell() bool { return c.farewell && c.CloseWrite() == nil }

// Failed sorts an error of Handshake.
func Failed(err error, patience time.Duration) probe.Result {
	var bad untrusted
	r := probe.Failed(err)
	switch {
	case errors.As(err, &ours{}):
		return probe.Ours(err)
	case errors.As(err, &bad):
		return probe.Result{Reason: probe.TLS, Detail: string(bad)}
	case r.Reason == probe.Timeout:
		r.Detail = fmt.Sprintf("no TLS handshake within %v", patience)
	case r.Reason == probe.Local:
		return probe.Result{Reason: probe.TLS, Detail: "TLS handshake: " + err.Error()}
	}
	return r
}

// allCiphers lets old servers be well, too.
func allCiphers() []uint16 {
	ciphersOnce.Do(func() {
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			cipherIDs = append(cipherIDs, s.ID)
		}
	})
	return cipherIDs
}

var (
	ciphersOnce sync.Once
	cipherIDs   []uint16
)

// ours is an error of our own files.
type ours struct{ error }

func (o ours) Unwrap() error { return o.error }

// untrusted says why a certificate will not do.
type untrusted string

func (u untrusted) Error() string { return string(u) }

const day = "2006-01-02"

// verify holds a chain to the authorities, the name and the time.
func verify(chain []*x509.Certificate, roots *x509.CertPool, whom string, now time.Time) error {
	if len(chain) == 0 {
		return untrusted("the server shows no certificate")
	}
	leaf, between := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	for _, c := range chain {
		switch {
		case now.After(c.NotAfter):
			return untrusted(fmt.Sprintf("certificate %q expired on %s", c.Subject, c.NotAfter.Format(day)))
		case now.Before(c.NotBefore):
			return untrusted(fmt.Sprintf("certificate %q is not valid before %s", c.Subject, c.NotBefore.Format(day)))
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return untrusted(fmt.Sprintf("certificate %q is signed by an unknown authority, %q", leaf.Subject, leaf.Issuer))
	case err != nil:
		return untrusted(fmt.Sprintf("certificate %q: %v", leaf.Subject, err))
	}
	if err := leaf.VerifyHostname(whom); err != nil {
		return untrusted(fmt.Sprintf("certificate %q is not for %s%s", leaf.Subject, whom, named(leaf)))
	}
	return nil
}

// maxNamed bounds the names of a certificate that are told.
const maxNamed = 3

// named says whom a certificate is for.
func named(leaf *x509.Certificate) string {
	names := slices.Clone(leaf.DNSNames)
	for _, a := range leaf.IPAddresses {
		names = append(names, a.String())
	}
	switch n := len(names); {
	case n == 0:
		return ", it names nobody (no subject alternative name)"
	case n > maxNamed:
		return fmt.Sprintf(", but for %q and %d more", names[:maxNamed], n-maxNamed)
	default:
		return fmt.Sprintf(", but for %q", names)
	}
}

// expiring tells of the certificate that ends first, if that is soon.
func expiring(chain []*x509.Certificate, warn time.Duration, now time.Time) string {
	if warn <= 0 || len(chain) == 0 {
		return ""
	}
	first := chain[0]
	for _, c := range chain[1:] {
		if c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	switch left := first.NotAfter.Sub(now); {
	case left > warn:
		return ""
	case left < 0:
		return fmt.Sprintf("certificate %q expired on %s", first.Subject, first.NotAfter.Format(day))
	default:
		return fmt.Sprintf("certificate %q expires in %d days, on %s", first.Subject, int(left/(24*time.Hour)), first.NotAfter.Format(day))
	}
}
