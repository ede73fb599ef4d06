package conf

import "time"

// SSL is the block of that name: what SSL_GET shows of itself, and whom it
// trusts where it is to verify.
type SSL struct {
	Password         string // of the key
	CA               string // file of authorities
	Certificate, Key string // files
	Pos              Pos
}

// TLS is what checkers that speak TLS have in common. Files and password are
// the SSL block's unless they are given.
type TLS struct {
	Name             string // sni_name; empty: none, or the virtual host's (enable_sni)
	Verify           bool
	CA               string // file of authorities; empty: the system's
	Certificate, Key string // files; empty: none
	Password         string // of the key
	ExpiryWarn       time.Duration
}

// maxWarnDays bounds tls_expiry_warn.
const maxWarnDays = 3650

// tlsRows are the keywords of TLS.
var tlsRows = rows{
	{Name: "sni_name", Own: true, Args: name, Soft: true, Doc: "The name to send in the TLS handshake, and whom tls_verify expects.", To: str(func(l *loader) *string { return &secure(l).Name })},
	{Name: "tls_verify", Own: true, Args: on, Doc: "The certificate must be signed by a known authority, be for sni_name, the virtual host or else the address, and not have expired.", To: flag(func(l *loader) *bool { return &secure(l).Verify })},
	{Name: "tls_ca", Own: true, Args: path, Soft: true, Doc: "The file of authorities that tls_verify trusts; that of the SSL block by default, or the system's.", To: str(func(l *loader) *string { return &secure(l).CA })},
	{Name: "tls_certificate", Own: true, Args: path, Soft: true, Doc: "The file of the certificate to show; that of the SSL block by default.", To: str(func(l *loader) *string { return &secure(l).Certificate })},
	{Name: "tls_key", Own: true, Args: path, Soft: true, Doc: "The file of its key; by default it is in tls_certificate.", To: str(func(l *loader) *string { return &secure(l).Key })},
	{Name: "tls_password", Own: true, Args: text, Soft: true, Doc: "The password of the key.", To: str(func(l *loader) *string { return &secure(l).Password })},
	{Name: "tls_expiry_warn", Own: true, Args: numOf("DAYS", 1, maxWarnDays), Doc: "Warn once a day from so many days before the certificate expires; that is no failure.", Set: func(l *loader, s *stmt) {
		secure(l).ExpiryWarn = time.Duration(s.Int()) * 24 * time.Hour
	}},
}

// secure is the TLS of the checker being read.
func secure(l *loader) *TLS {
	switch c := l.chk; {
	case c.GRPC != nil:
		return &c.GRPC.Secure
	case c.Expect != nil:
		return &c.Expect.Secure
	default:
		return &c.HTTP.Secure
	}
}

// Under gives t what the SSL block says.
func (t *TLS) Under(s *SSL) {
	if s == nil {
		return
	}
	if t.CA == "" {
		t.CA = s.CA
	}
	if t.Certificate == "" {
		t.Certificate, t.Key, t.Password = s.Certificate, s.Key, s.Password
	}
}
