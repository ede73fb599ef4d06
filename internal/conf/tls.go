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
func tlsRows(of func(*loader) *TLS) rows {
	return rows{
		{Name: "sni_name", Own: true, Args: name, Soft: true, Doc: "The name to send in the TLS handshake, and whom tls_verify expects.", Set: str(func(l *loader) *string { return &of(l).Name })},
		{Name: "tls_verify", Own: true, Args: on, Doc: "The certificate must be signed by a known authority, be for sni_name, the virtual host or else the address, and not have expired.", Set: flag(func(l *loader) *bool { return &of(l).Verify })},
		{Name: "tls_ca", Own: true, Args: path, Soft: true, Doc: "The file of authorities that tls_verify trusts; that of the SSL block by default, or the system's.", Set: str(func(l *loader) *string { return &of(l).CA })},
		{Name: "tls_certificate", Own: true, Args: path, Soft: true, Doc: "The file of the certificate to show; that of the SSL block by default.", Set: str(func(l *loader) *string { return &of(l).Certificate })},
		{Name: "tls_key", Own: true, Args: path, Soft: true, Doc: "The file of its key; by default it is in tls_certificate.", Set: str(func(l *loader) *string { return &of(l).Key })},
		{Name: "tls_password", Own: true, Args: text, Soft: true, Doc: "The password of the key.", Set: str(func(l *loader) *string { return &of(l).Password })},
		{Name: "tls_expiry_warn", Own: true, Args: label("DAYS", num(1, maxWarnDays)), Doc: "Warn once a day from so many days before the certificate expires; that is no failure.", Set: func(l *loader, s *stmt) {
			of(l).ExpiryWarn = time.Duration(s.Int()) * 24 * time.Hour
		}},
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
