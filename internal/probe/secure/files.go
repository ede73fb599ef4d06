package secure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
	"weak"
)

// maxFile bounds a file of certificates, in bytes.
const maxFile = 4 << 20

// files are what a store was read from.
type files struct{ ca, certificate, key, password string }

// store holds what was read from files. Those who use the same files share
// one, and it goes when the last of them does.
type store struct {
	files
	mu    sync.Mutex
	seen  [3]stamp
	roots *x509.CertPool // nil = the system's
	own   *tls.Certificate
	err   error // why there is neither
}

// stamp tells a file from a newer one.
type stamp struct {
	at   time.Time
	size int64
}

var stores = struct {
	sync.Mutex
	of map[files]weak.Pointer[store]
}{of: map[files]weak.Pointer[store]{}}

// open reads the files, unless somebody has them already.
func open(f files) *store {
	stores.Lock()
	defer stores.Unlock()
	if s := stores.of[f].Value(); s != nil {
		return s
	}
	s := &store{files: f}
	s.seen = s.stamps()
	s.err = s.read()
	stores.of[f] = weak.Make(s)
	runtime.AddCleanup(s, forget, f)
	return s
}

func forget(f files) {
	stores.Lock()
	defer stores.Unlock()
	if stores.of[f].Value() == nil {
		delete(stores.of, f)
	}
}

// current is what the files hold now. A file that is being replaced may be
// broken for a moment; then what was read before holds.
func (s *store) current() (*x509.CertPool, *tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.stamps(); now != s.seen {
		s.seen = now
		if err := s.read(); err == nil || s.err != nil {
			s.err = err
		}
	}
	return s.roots, s.own, s.err
}

func (s *store) stamps() (all [3]stamp) {
	for i, name := range []string{s.ca, s.certificate, s.key} {
		if name == "" {
			continue
		}
		if st, err := os.Stat(name); err == nil {
			all[i] = stamp{st.ModTime(), st.Size()}
		}
	}
	return all
}

func (s *store) read() error {
	_, err := s.load()
	return err
}

// Check reads files as a Client would, and says what is wrong with which of
// them: "ca", "certificate" or "key".
func Check(ca, certificate, key, password string) (file string, err error) {
	s := store{files: files{ca, certificate, key, password}}
	return s.load()
}

// load says besides which file is to blame.
func (s *store) load() (file string, err error) {
	var roots *x509.CertPool
	if s.ca != "" {
		text, err := readFile(s.ca)
		if err != nil {
			return "ca", fmt.Errorf("read the authorities: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(text) {
			return "ca", fmt.Errorf("read the authorities: no certificate in %s", s.ca)
		}
	}
	own, file, err := s.readOwn()
	if err != nil {
		return file, err
	}
	s.roots, s.own = roots, own
	return "", nil
}

// readOwn reads our own certificate; its key may be in the same file.
func (s *store) readOwn() (own *tls.Certificate, file string, err error) {
	if s.certificate == "" {
		return nil, "", nil
	}
	cert, err := readFile(s.certificate)
	if err != nil {
		return nil, "certificate", fmt.Errorf("read the certificate: %w", err)
	}
	if !holdsCertificate(cert) {
		return nil, "certificate", fmt.Errorf("read the certificate: no certificate in %s", s.certificate)
	}
	key, file := cert, "certificate"
	if s.key != "" {
		file = "key"
		if key, err = readFile(s.key); err != nil {
			return nil, file, fmt.Errorf("read the key: %w", err)
		}
	}
	if key, err = plain(key, s.password); err != nil {
		return nil, file, fmt.Errorf("read the key of %s: %w", s.certificate, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, file, fmt.Errorf("read certificate %s and its key: %w", s.certificate, err)
	}
	return &pair, "", nil
}

// holdsCertificate reports whether there is one in PEM that can be read.
func holdsCertificate(text []byte) bool {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return false
		}
		if b.Type == "CERTIFICATE" {
			_, err := x509.ParseCertificate(b.Bytes)
			return err == nil
		}
	}
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return text, err
}

// plain returns keys in PEM with those decrypted that are not plain.
func plain(text []byte, password string) ([]byte, error) {
	var out []byte
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return out, nil
		}
		var err error
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY":
			b.Type = "PRIVATE KEY"
			b.Bytes, err = decryptPKCS8(b.Bytes, password)
		case x509.IsEncryptedPEMBlock(b): //nolint:staticcheck // what OpenSSL wrote for twenty years
			b.Bytes, err = x509.DecryptPEMBlock(b, []byte(password)) //nolint:staticcheck // the same
			b.Headers = nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, pem.EncodeToMemory(b)...)
	}
}
